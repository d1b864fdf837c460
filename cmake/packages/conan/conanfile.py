"""tern as a Conan 2 package: the headers, for the flags of whoever includes them. Run where it lies, in the sources."""
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy
from conan.tools.layout import basic_layout


class TernConan(ConanFile):
    name = "tern"
    version = "0.1.0"
    license = "MIT"
    description = "Ternary and other low-bit convolutional networks on CPUs"
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"model": [True, False]}
    default_options = {"model": True}
    no_copy_source = True

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..", "..")
        for pattern in ("include/*", "LICENSE"):
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("xsimd/13.0.0", transitive_headers=True)
        if self.options.model:
            self.requires("nlohmann_json/3.11.3", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 17)

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", src=os.path.join(self.source_folder, "include"), dst=os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "tern")
        self.cpp_info.set_property("cmake_target_name", "tern::tern")
        self.cpp_info.set_property("pkg_config_name", "tern")
