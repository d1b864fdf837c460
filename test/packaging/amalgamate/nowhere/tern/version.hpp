// Version of the planted headers.
#pragma once

#define TERN_VERSION_STRING "0"
