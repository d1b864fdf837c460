// In both branches, and so in front of them.
#pragma once

struct either {};
