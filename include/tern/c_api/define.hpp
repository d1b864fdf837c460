// The functions of c_api.h. For the one source file that makes libtern.
#pragma once

#include "conv2d.hpp"
#include "float_conv2d.hpp"
#include "gemm.hpp"
#include "image_conv2d.hpp"
#include "linear.hpp"
#include "machine.hpp"
#include "network.hpp"
#include "saved.hpp"
#include "tensors.hpp"
#include "threads.hpp"
