// How a camera was held: the orientation tag of Exif, in JPEG and PNG files.
#pragma once

#include <cstddef>

namespace examples {

/// The orientation that a JPEG file (segment APP1) or PNG file (chunk eXIf) names, 1 to 8 as Exif numbers them; 1,
/// upright, if there is none or it is no such number. Reads nothing beyond `size`.
int exif_orientation(const unsigned char* data, std::size_t size);

}  // namespace examples
