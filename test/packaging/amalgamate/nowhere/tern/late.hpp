// Wanted under PLANTED_B, in front of the place where that is asked.
#pragma once

struct late {};
