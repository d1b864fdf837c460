#include "exif.hpp"

#include <cstdint>
#include <string_view>

namespace examples {
namespace {

using bytes = std::basic_string_view<unsigned char>;

/// `count` bytes at `at` as a number; 0 if they are not there.
std::uint32_t number(bytes from, std::size_t at, std::size_t count, bool big_endian) {
    if (at > from.size() || count > from.size() - at)
        return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | from[at + (big_endian ? i : count - 1 - i)];
    return value;
}

bool starts_with(bytes text, std::string_view start) {
    if (text.size() < start.size())
        return false;
    for (std::size_t i = 0; i < start.size(); ++i)
        if (text[i] != static_cast<unsigned char>(start[i]))
            return false;
    return true;
}

/// The tag in the first directory of a TIFF structure, which is what Exif data is.
int orientation_in_tiff(bytes tiff) {
    constexpr std::uint32_t tag = 0x0112, type_short = 3, type_long = 4;
    const bool big = starts_with(tiff, "MM");
    if (!big && !starts_with(tiff, "II"))
        return 1;
    if (number(tiff, 2, 2, big) != 42)
        return 1;
    const std::size_t directory = number(tiff, 4, 4, big);
    const std::size_t entries = number(tiff, directory, 2, big);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t at = directory + 2 + 12 * i;
        if (at > tiff.size() || tiff.size() - at < 12)
            break;
        const std::uint32_t type = number(tiff, at + 2, 2, big);
        if (number(tiff, at, 2, big) != tag || (type != type_short && type != type_long))
            continue;
        const std::uint32_t value = number(tiff, at + 8, type == type_short ? 2 : 4, big);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

int orientation_in_jpeg(bytes file) {
    using namespace std::string_view_literals;
    std::size_t at = 2;  // behind the start of the image
    while (at + 4 <= file.size() && file[at] == 0xff) {
        const unsigned char marker = file[at + 1];
        if (marker == 0xff) {  // a fill byte
            ++at;
            continue;
        }
        if (marker == 0xda)  // the image itself
            break;
        const std::size_t length = number(file, at + 2, 2, true);
        if (length < 2 || length > file.size() - at - 2)
            break;
        const bytes segment = file.substr(at + 4, length - 2);
        if (marker == 0xe1 && starts_with(segment, "Exif\0\0"sv))
            return orientation_in_tiff(segment.substr(6));
        at += 2 + length;
    }
    return 1;
}

int orientation_in_png(bytes file) {
    std::size_t at = 8;  // behind the signature
    while (at <= file.size() && file.size() - at >= 12) {
        const std::size_t length = number(file, at, 4, true);
        if (length > file.size() - at - 12)
            break;
        if (starts_with(file.substr(at + 4), "eXIf"))
            return orientation_in_tiff(file.substr(at + 8, length));
        at += 12 + length;
    }
    return 1;
}

}  // namespace

int exif_orientation(const unsigned char* data, std::size_t size) {
    const bytes file(data, size);
    return starts_with(file, "\xff\xd8")  ? orientation_in_jpeg(file)
           : starts_with(file, "\x89PNG") ? orientation_in_png(file)
                                          : 1;
}

}  // namespace examples
