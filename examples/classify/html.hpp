// A run as one page of HTML: what it needs is in it, it loads nothing and runs no script.
#pragma once

#include <string>
#include <vector>

#include <tern/model.hpp>

#include "layer_rows.hpp"
#include "report.hpp"

namespace examples {

/// Writes the page, whole or not at all. Errors: the file cannot be written.
tern::status write_html(const std::string& path, const run_facts& facts, const std::vector<image_result>& images,
                        const std::vector<layer_row>& layers);

}  // namespace examples
