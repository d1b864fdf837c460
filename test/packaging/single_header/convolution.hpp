// What one source file of the program says of its convolution.
#pragma once

struct convolution {
    char kernel[64] = {};
    char error[512] = {};
    long wrong = -1;  // how many sums differ from those of a plain loop
};

convolution first_of_two();
convolution second_of_two();
convolution native();
