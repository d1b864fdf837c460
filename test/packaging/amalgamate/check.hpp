// Names what must be there under the conditions that hold.
struct all : first, second {
    needed_by_all x;
};
#if PLANTED_A
struct all_a : all {
    first_defined y;
    needed_by_all_defined z;
};
#endif
#if PLANTED_B
struct all_b : only_b {};
#else
struct all_b : only_not_b {};
#endif
