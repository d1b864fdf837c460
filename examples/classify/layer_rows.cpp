#include "layer_rows.hpp"

#include <variant>

namespace examples {
namespace {

/// The weights of the layer of that name: names of a graph's nodes are unique.
const tern::layer_weights* find_weights(const tern::graph& g, const std::string& name) {
    for (const tern::graph_node& n : g.nodes)
        if (n.name == name)
            return tern::weights_of(n);
    return nullptr;
}

std::size_t dense_size(const tern::layer_weights& weights) {
    const std::size_t count = tern::shape_of(weights).size();
    if (const auto* codes = std::get_if<tern::code_weights>(&weights))
        return tern::dense_bytes(codes->code, count).value;
    return count * sizeof(float);
}

}  // namespace

std::vector<layer_row> make_layer_rows(const run_facts& facts, const std::vector<std::vector<double>>& seconds,
                                       const std::vector<zero_count>& activations) {
    std::vector<layer_row> rows;
    double sum = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
        layer_row row;
        row.info = &facts.network->layers()[i];
        row.seconds = median(seconds[i]);
        row.activations = activations[i];
        if (const tern::layer_weights* weights = find_weights(facts.model->g, row.info->name)) {
            row.weights = count_zeros(*weights);
            row.dense_bytes = dense_size(*weights);
            row.float_bytes = tern::shape_of(*weights).size() * sizeof(float);
        }
        sum += row.seconds;
        rows.push_back(row);
    }
    for (layer_row& row : rows)
        row.share = sum > 0 ? row.seconds / sum : 0;
    return rows;
}

layer_row total(const std::vector<layer_row>& rows) {
    layer_row sum;
    for (const layer_row& row : rows) {
        sum.seconds += row.seconds;
        sum.share += row.share;
        sum.weights += row.weights;
        sum.activations += row.activations;
        sum.dense_bytes += row.dense_bytes;
        sum.float_bytes += row.float_bytes;
    }
    return sum;
}

}  // namespace examples
