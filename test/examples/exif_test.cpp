#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "classify/exif.hpp"

using namespace std::string_literals;

namespace {

/// A TIFF structure with a tag or two in front of the orientation.
std::string tiff(bool big_endian, unsigned orientation) {
    const auto number = [&](unsigned v, std::size_t bytes) {
        std::string text;
        for (std::size_t i = 0; i < bytes; ++i)
            text += static_cast<char>(v >> (8 * (big_endian ? bytes - 1 - i : i)) & 255u);
        return text;
    };
    const auto entry = [&](unsigned tag, unsigned type, const std::string& value) {
        return number(tag, 2) + number(type, 2) + number(1, 4) + value;
    };
    return (big_endian ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) + entry(0x0100, 4, number(640, 4)) +
           entry(0x0112, 3, number(orientation, 2) + "\0\0"s) + number(0, 4);
}

std::string jpeg(const std::string& exif) {
    const std::string segment = "Exif\0\0"s + exif;
    const auto length = static_cast<unsigned>(segment.size() + 2);
    return "\xff\xd8\xff\xe0\0\x06JFIF\xff\xff\xe1"s + static_cast<char>(length >> 8) +
           static_cast<char>(length & 255u) + segment + "\xff\xda\0\x08"s;
}

std::string png(const std::string& exif) {
    const auto chunk = [](const std::string& type, const std::string& data) {
        const auto length = static_cast<unsigned>(data.size());
        return "\0\0"s + static_cast<char>(length >> 8) + static_cast<char>(length & 255u) + type + data + "crc!";
    };
    return "\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string(13, '\0')) + chunk("IDAT", std::string(300, 'x')) +
           chunk("eXIf", exif) + chunk("IEND", "");
}

int orientation_of(const std::string& file) {
    const std::vector<unsigned char> exact(file.begin(), file.end());  // so that a sanitizer sees its end
    return examples::exif_orientation(exact.data(), exact.size());
}

}  // namespace

TEST_CASE("the orientation in Exif data is found in JPEG and PNG files, of both byte orders") {
    for (const bool big_endian : {false, true}) {
        for (unsigned orientation = 1; orientation <= 8; ++orientation) {
            CHECK(orientation_of(jpeg(tiff(big_endian, orientation))) == static_cast<int>(orientation));
            CHECK(orientation_of(png(tiff(big_endian, orientation))) == static_cast<int>(orientation));
        }
        for (const unsigned none : {0u, 9u, 65535u})
            CHECK(orientation_of(jpeg(tiff(big_endian, none))) == 1);
    }
    CHECK(orientation_of("") == 1);
    CHECK(orientation_of("\xff\xd8\xff\xda") == 1);
    CHECK(orientation_of(jpeg("II")) == 1);
}

TEST_CASE("Exif data that are cut or changed anywhere are read or passed over without harm") {
    std::mt19937 random(1);
    for (const std::string& good : {jpeg(tiff(true, 6)), png(tiff(false, 6))}) {
        for (std::size_t n = 0; n < good.size(); ++n) {
            const int found = orientation_of(good.substr(0, n));
            CHECK((found == 1 || found == 6));
        }
        for (int i = 0; i < 20000; ++i) {
            std::string changed = good;
            for (int k = 0; k < 1 + i % 3; ++k)
                changed[random() % changed.size()] = static_cast<char>(random() % 4 == 0 ? 0xff : random() % 256);
            const int found = orientation_of(changed);
            CHECK((found >= 1 && found <= 8));
        }
    }
}
