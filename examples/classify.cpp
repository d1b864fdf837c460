// classify: runs a trained network of any of the four papers on images.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include <tern/model.hpp>
#include <tern/threads/thread_pool.hpp>

#include "classify/dump.hpp"
#include "classify/html.hpp"
#include "classify/image_source.hpp"
#include "classify/input_maker.hpp"
#include "classify/layer_watch.hpp"
#include "classify/options.hpp"
#include "classify/report.hpp"
#include "support/command_line.hpp"
#include "support/model_options.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/tuning_file.hpp"

namespace examples {
namespace {

tern::result<tern::image_weights> parse_stem_bits(const std::string& bits) {
    if (bits == "16")
        return tern::image_weights::bits16;
    if (bits == "8")
        return tern::image_weights::bits8;
    if (bits == "7")
        return tern::image_weights::bits7;
    return tern::make_error(tern::errc::invalid_argument, "option --stem-bits: expected 16, 8 or 7, found '%.40s'",
                            bits.c_str());
}

tern::result<classify_options> parse(int argc, char** argv) {
    std::vector<option> names = model_option_names();
    for (const option& o : {option{"--logits", true},
                            {"--dump", true},
                            {"--html", true},
                            {"--limit", true},
                            {"--threads", true},
                            {"--batch", true},
                            {"--background", true},
                            {"--floats", false},
                            {"--stem-bits", true},
                            {"--layers", false},
                            {"--top", true},
                            {"--tune", true},
                            {"--json", false}})
        names.push_back(o);
    const auto args = arguments::parse(argc, argv, names);
    if (!args.ok())
        return args.status();
    if (args->positional().size() < 2)
        return tern::make_error(tern::errc::invalid_argument, "expected a model and images");
    classify_options options;
    options.model = args->positional()[0];
    options.images.assign(args->positional().begin() + 1, args->positional().end());
    const auto network = parse_model_options(*args);
    if (!network.ok())
        return network.status();
    options.network = *network;
    options.logits = args->value("--logits");
    options.dump = args->value("--dump");
    options.html = args->value("--html");
    options.tune = args->value("--tune");
    if (args->has("--background")) {
        const auto background = parse_colour(args->value("--background"));
        if (!background.ok())
            return tern::make_error(tern::errc::invalid_argument, "option --background: %s", background.message());
        options.background = *background;
    }
    const auto limit = args->number("--limit", 0, 1, 1000000000), threads = args->number("--threads", 1, 1, 1024),
               batch = args->number("--batch", 1, 1, 65536), top = args->number("--top", 1, 1, 1000);
    for (const auto* number : {&limit, &threads, &batch, &top})
        if (!number->ok())
            return number->status();
    options.limit = *limit;
    options.top = *top;
    options.threads = *threads;
    options.batch = *batch;
    options.floats = args->has("--floats");
    if (args->has("--stem-bits")) {
        const auto weights = parse_stem_bits(args->value("--stem-bits"));
        if (!weights.ok())
            return weights.status();
        if (options.floats)
            return tern::make_error(tern::errc::invalid_argument,
                                    "expected --floats or --stem-bits, which is for bytes, found both");
        options.stem = *weights;
    }
    options.layers = args->has("--layers");
    options.json = args->has("--json");
    return options;
}

tern::status check_labels(const image_source& images, std::size_t count, std::size_t classes) {
    for (std::size_t i = 0; images.has_labels() && i < count; ++i)
        if (images.label(i) < 0 || images.label(i) >= static_cast<std::int64_t>(classes))
            return tern::make_error(tern::errc::bad_value,
                                    "tensor labels[%zu]: expected a class from 0 to %zu, found %lld", i, classes - 1,
                                    static_cast<long long>(images.label(i)));
    return {};
}

tern::status write_logits(const std::string& path, const std::vector<float>& logits, std::size_t classes) {
    tern::safetensors_writer out;
    TERN_TRY(out.add("logits", tern::data_type::f32, {logits.size() / classes, classes}, logits.data()));
    return out.write(path.c_str());
}

tern::result<tern::preprocessing_rule> rule_of_model(const tern::network_model& model, const std::string& path) {
    const auto input = tern::only_input(model.g);
    if (!input.ok())
        return in_context(path, input.status());
    const auto rule = tern::rule_of(**input);
    if (!rule.ok())
        return tern::make_error(
            tern::errc::invalid_argument,
            "%.200s does not say how its images are preprocessed; expected --preprocess mnist, cifar10, "
            "imagenet or none, or --mean and --deviation",
            path.c_str());
    return rule;
}

/// A network for batches of such images, as `inputs` made them.
tern::result<tern::network> make_network(const classify_options& options, const tern::graph& g,
                                         const tern::image_shape& shape, const input_maker& inputs) {
    tern::network_options plan;
    plan.accumulators = !options.dump.empty();
    plan.u8_images = !options.floats;
    plan.u8_weights = options.stem;
    tuning_file tuned("classify", options.tune);
    tuned.use(plan.plan);
    auto network = tern::network::create(g, shape, plan);
    if (!network.ok())
        return in_context(options.images[0],
                          tern::make_error(network.status().code(), "%zux%zu pixels (height x width): %s",
                                           inputs.height(), inputs.width(), network.message()));
    TERN_TRY(tuned.write());
    return network;
}

/// What a run makes of images, one batch after the other.
class image_runner {
public:
    image_runner(const run_facts& facts, tern::buffer<unsigned char> memory, image_source& images, input_maker& inputs)
        : facts_(facts), network_(*facts.network), memory_(std::move(memory)), images_(images), inputs_(inputs),
          pool_(facts.options->threads), watch_(network_.layers().size()), recorder_(network_, facts.model->kind),
          shared_(facts.batch * network_.classes()) {
        if (!facts.options->dump.empty())
            watch_.record(recorder_);
        if (!facts.options->html.empty())
            watch_.count_zeros();
    }

    /// Once for nothing: the first run after loading touches memory that later ones find in the cache.
    tern::status warm_up(const network_input& first) {
        return in_context(images_.name(0), first.run(network_, shared_.data(), scratch(), pool_.executor()));
    }
    tern::status run(std::size_t count) {
        progress bar(count);
        for (std::size_t i = 0; i < count; i += facts_.batch) {
            const std::size_t together = std::min(facts_.batch, count - i);
            const auto given = inputs_.make(i, together);
            if (!given.ok())
                return given.status();
            if (!facts_.options->dump.empty())
                recorder_.add_input(given->floats);
            watch_.start(together);
            TERN_TRY(in_context(images_.name(i),
                                given->run(network_, shared_.data(), scratch(), pool_.executor(), watch_.observer())));
            watch_.stop();
            if (!facts_.options->json)
                bar.make_room();
            for (std::size_t k = 0; k < together; ++k)
                TERN_TRY(add_result(i + k, shared_.data() + k * network_.classes()));
            bar.update(i + together);
        }
        bar.clear();
        return {};
    }
    /// The files that options ask for, then what is printed.
    tern::status report() const {
        const classify_options& options = *facts_.options;
        if (!options.logits.empty())
            TERN_TRY(write_logits(options.logits, logits_, network_.classes()));
        if (!options.dump.empty())
            TERN_TRY(recorder_.write(options.dump, logits_));
        if (!options.html.empty())
            TERN_TRY(
                write_html(options.html, facts_, results_, make_layer_rows(facts_, watch_.seconds(), watch_.zeros())));
        if (options.json) {
            print_json(facts_, results_, watch_.seconds());
            return {};
        }
        if (options.layers)
            print_layers(facts_, watch_.seconds());
        print_summary(results_);
        return {};
    }

private:
    tern::workspace scratch() { return {memory_.data(), memory_.bytes()}; }
    tern::status add_result(std::size_t i, const float* own) {
        for (std::size_t c = 0; c < network_.classes(); ++c)
            if (!std::isfinite(own[c]))
                return tern::make_error(tern::errc::bad_value, "%.200s: expected finite logits, found %g for class %zu",
                                        images_.name(i).c_str(), static_cast<double>(own[c]), c);
        logits_.insert(logits_.end(), own, own + network_.classes());
        image_result result = classify_logits(own, network_.classes(), facts_.options->top);
        result.name = images_.name(i);
        result.seconds = watch_.seconds_per_image();
        if (images_.has_labels())
            result.label = images_.label(i);
        if (!facts_.options->json)
            print_image(facts_, result);
        results_.push_back(std::move(result));
        return {};
    }

    const run_facts& facts_;
    const tern::network& network_;
    tern::buffer<unsigned char> memory_;
    image_source& images_;
    input_maker& inputs_;
    tern::thread_pool pool_;
    layer_watch watch_;
    dump recorder_;
    std::vector<image_result> results_{};
    std::vector<float> logits_{}, shared_;
};

tern::status classify(const classify_options& options) {
    const auto model = load_model(options.model, options.network);
    if (!model.ok())
        return model.status();
    const auto rule = rule_of_model(*model, options.model);
    if (!rule.ok())
        return rule.status();
    auto images = image_source::open(options.images, rule->channels, options.background.value_or(colour{}));
    if (!images.ok())
        return images.status();
    const std::size_t count = options.limit == 0 ? images->size() : std::min(options.limit, images->size());
    const std::size_t batch = std::min(options.batch, count);
    input_maker inputs(*images, *rule, model->pictures, options);
    const auto first = inputs.make(0, batch);
    if (!first.ok())
        return first.status();
    const auto kernels = tern::select_kernels();
    if (!kernels.ok())
        return kernels.status();
    const auto network = make_network(options, model->g,
                                      tern::preprocessed_shape(*rule, {batch, first->bytes.h, first->bytes.w}), inputs);
    if (!network.ok())
        return network.status();
    TERN_TRY(in_context(options.images[0], check_labels(*images, count, network->classes())));
    auto memory = tern::make_buffer<unsigned char>(network->workspace_bytes(batch, options.threads));
    if (!memory.ok())
        return memory.status();

    run_facts facts{&options, &*model, &*network, (*kernels)->level, batch, memory->bytes(), 5};
    for (std::size_t i = 0; i < count; ++i)
        facts.name_width = std::max(facts.name_width, images->name(i).size());
    image_runner runner(facts, std::move(*memory), *images, inputs);
    TERN_TRY(runner.warm_up(*first));
    if (!options.json)
        print_head(facts, images->has_labels());
    TERN_TRY(runner.run(count));
    if (!images->transparent().empty() && !options.background)
        std::fprintf(stderr, "classify: %s: transparent pixels are shown on white; --background says otherwise\n",
                     images->transparent().c_str());
    return runner.report();
}

}  // namespace
}  // namespace examples

int main(int argc, char** argv) {
    static const std::string usage =
        std::string(
            "usage: classify MODEL IMAGES... [options]\n"
            "\n"
            "Classifies images with a ternary or other low-bit network: STTN, STQN, TWN or FATNN.\n"
            "\n"
            "  MODEL              a PyTorch checkpoint (.pth, .pth.tar) or safetensors: a state dict, raw\n"
            "                     or merged; or what convert writes. Its kind is recognised\n"
            "  IMAGES             a safetensors file with images (u8, [n,28,28] or [n,3,h,w]) and\n"
            "                     perhaps labels (integers, [n]); or PNG and JPEG files (no others),\n"
            "                     turned upright as their Exif data say\n") +
        examples::model_usage +
        "  --limit N          only the first N images\n"
        "  --batch N          run N images at once (default: 1); their times are equal shares, their\n"
        "                     logits those of N = 1\n"
        "  --background C     what transparent pixels show: white (the default), black, or a colour\n"
        "                     as ff8000\n"
        "  --threads N        threads (default: 1)\n"
        "  --floats           normalise images to floats, as training frameworks do, before the\n"
        "                     network sees them (default: the network takes bytes and gives the\n"
        "                     same bits)\n"
        "  --stem-bits N      round the first layer's weights to 16, 8 or 7 bits: faster on some\n"
        "                     CPUs; logits of some images differ (docs/accuracy.md)\n"
        "  --tune FILE        choose kernels by running them; FILE keeps what was found for the next\n"
        "                     time, and is made if it is not there\n"
        "  --top N            show the N most likely classes of each image (default: 1)\n"
        "  --layers           print shape, kernel, time and products per second of each layer\n"
        "  --json             print one JSON document instead of text\n"
        "  --logits FILE      write the logits as tensor logits, safetensors\n"
        "  --dump FILE        write what every layer reads and writes, safetensors; kernels that\n"
        "                     ran are in its metadata\n"
        "  --html FILE        write a page that shows the run: layers, their times and zeros as tables\n"
        "                     and charts, and the first 100 images. It needs no other file\n"
        "\n"
        "TERN_ISA in the environment forces an instruction-set level.\n"
        "Exit status: 0, 2 for a wrong command line, 1 for anything else that goes wrong.\n";
    return examples::run_program("classify", usage.c_str(), argc, argv, examples::parse, examples::classify);
}
