// What docs/engines/ncnn.md uses of ncnn's net.h: nothing but that it is there. Not ncnn.
#pragma once

#include "layer.h"
