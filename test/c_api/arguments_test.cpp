// What callers can do wrong in C, and objects that are shared.
#include <atomic>
#include <thread>

#include "c_support.hpp"

using namespace tern_test;

namespace {

/// A desc that makes a plan, and what it points at.
struct small_desc {
    std::vector<std::int8_t> codes = std::vector<std::int8_t>(8 * 16 * 9, 1);
    tern_weights weights = init<tern_weights>();
    tern_stage stages[1] = {tern_stage_store()};
    tern_conv2d_desc desc = init<tern_conv2d_desc>();

    small_desc() {
        weights.out_channels = 8;
        weights.in_channels = 16;
        weights.kernel_h = weights.kernel_w = 3;
        weights.codes = codes.data();
        desc.weights = &weights;
        desc.stages = stages;
        desc.stage_count = 1;
    }
    small_desc(const small_desc&) = delete;
    small_desc& operator=(const small_desc&) = delete;

    tern_status create(const tern_plan_options* options = nullptr) {
        tern_conv2d* plan = nullptr;
        const tern_status s = tern_conv2d_create(&desc, options, &plan);
        tern_conv2d_release(plan);
        return s;
    }
};

struct counting_memory {
    int left = 1000, allocations = 0, alive = 0;
    tern_allocator get() {
        tern_allocator a = init<tern_allocator>();
        a.ctx = this;
        a.allocate = [](void* ctx, std::size_t bytes, std::size_t alignment) -> void* {
            auto& self = *static_cast<counting_memory*>(ctx);
            if (self.left-- <= 0)
                return nullptr;
            ++self.allocations;
            ++self.alive;
            return ::operator new (bytes, std::align_val_t{alignment});
        };
        a.deallocate = [](void* ctx, void* p, std::size_t, std::size_t alignment) {
            --static_cast<counting_memory*>(ctx)->alive;
            ::operator delete (p, std::align_val_t{alignment});
        };
        return a;
    }
};

}  // namespace

TEST_CASE("null pointers, sizes of structs and numbers that are none are errors in C") {
    small_desc ok;
    CHECK(ok.create() == TERN_OK);
    tern_conv2d* plan = nullptr;
    check_c_error(tern_conv2d_create(nullptr, nullptr, &plan), TERN_INVALID_ARGUMENT, "tern_conv2d_desc");
    check_c_error(tern_conv2d_create(&ok.desc, nullptr, nullptr), TERN_INVALID_ARGUMENT, "plan");
    {
        small_desc d;
        d.desc.struct_size = 0;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "TERN_INIT");
        d.desc.struct_size = static_cast<std::size_t>(-1);
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "TERN_INIT");
    }
    {
        small_desc d;
        d.desc.weights = nullptr;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "tern_weights");
    }
    {
        small_desc d;
        d.weights.source = 99;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "99");
        d.weights.source = TERN_WEIGHTS_MERGED;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "values");
        d.weights.source = TERN_WEIGHTS_CODES;
        d.weights.code = -1;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "-1");
    }
    {
        small_desc d;
        d.stages[0].kind = 77;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "77");
        d.desc.stages = nullptr;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "stages");
        d.desc.stage_count = 1000;
        d.desc.stages = d.stages;
        check_c_error(d.create(), TERN_INVALID_ARGUMENT, "1000");
    }
    {
        small_desc d;
        d.codes[5] = 3;
        check_c_error(d.create(), TERN_BAD_VALUE, "found 3");
        tern_plan_options options = init<tern_plan_options>();
        options.level = "mmx";
        small_desc e;
        CHECK(e.create(&options) != TERN_OK);
        CHECK(std::string(tern_last_error()).find("mmx") != std::string::npos);
    }
    tern_conv2d_shape shape = init<tern_conv2d_shape>();
    check_c_error(tern_conv2d_reshape(nullptr, 1, 8, 8, 1, &shape), TERN_INVALID_ARGUMENT, "plan");
    REQUIRE_C(tern_conv2d_create(&ok.desc, nullptr, &plan));
    check_c_error(tern_conv2d_reshape(plan, 1, 8, 8, 1, nullptr), TERN_INVALID_ARGUMENT, "tern_conv2d_shape");
    check_c_error(tern_conv2d_reshape(plan, 1, 2, 8, 1, &shape), TERN_INVALID_ARGUMENT, "2");
    check_c_error(tern_conv2d_run(plan, nullptr, {nullptr, 0}, nullptr), TERN_INVALID_ARGUMENT, "tern_conv2d_args");
    tern_conv2d_args args = init<tern_conv2d_args>();
    CHECK(tern_conv2d_run(plan, &args, {nullptr, 0}, nullptr) == TERN_INVALID_ARGUMENT);
    float floats[4] = {};
    args.accumulators = tern_nhwc(floats, TERN_F32, 1, 1, 1, 4);
    check_c_error(tern_conv2d_run(plan, &args, {nullptr, 0}, nullptr), TERN_INVALID_ARGUMENT,
                  "expected a tensor of i32");
    tern_conv2d_release(plan);
    tern_conv2d_release(nullptr);
    CHECK(tern_conv2d_retain(nullptr) == nullptr);
    CHECK(tern_gemm_workspace_bytes(nullptr, 1, 1) == 0);
    CHECK(tern_network_load(nullptr, nullptr, nullptr) != TERN_OK);
    char text[40];
    CHECK(tern_conv2d_explain(nullptr, 1, 1, 1, text, sizeof text) == std::strlen("no plan"));
    CHECK(tern_cpu_report(text, 4) > 4);
    CHECK(std::strlen(text) == 3);
}

TEST_CASE("a struct of a newer caller is read as far as it is known, unless it asks for more") {
    struct newer {
        tern_conv2d_desc known;
        std::size_t more;
    };
    small_desc d;
    newer desc;
    std::memset(&desc, 0, sizeof desc);
    desc.known = d.desc;
    desc.known.struct_size = sizeof desc;
    tern_conv2d* plan = nullptr;
    REQUIRE_C(tern_conv2d_create(&desc.known, nullptr, &plan));
    tern_conv2d_release(plan);
    desc.more = 1;
    check_c_error(tern_conv2d_create(&desc.known, nullptr, &plan), TERN_UNSUPPORTED, "does not know");
    // There are no older ones, and none ends within a member.
    for (const std::size_t size : {sizeof(void*), offsetof(tern_conv2d_desc, stages), sizeof d.desc + 4}) {
        tern_conv2d_desc other = d.desc;
        other.struct_size = size;
        check_c_error(tern_conv2d_create(&other, nullptr, &plan), TERN_INVALID_ARGUMENT, "struct_size");
    }
    tern_plan_options options = init<tern_plan_options>();
    options.struct_size = sizeof(void*);  // of the pointer, not of the struct
    check_c_error(tern_conv2d_create(&d.desc, &options, &plan), TERN_INVALID_ARGUMENT, "struct_size");
}

TEST_CASE("stages of newer callers, and stages that contradict themselves") {
    small_desc d;
    tern_conv2d* plan = nullptr;
    tern_stage stages[2] = {tern_stage_ternarize(), tern_stage_ternarize()};
    d.desc.stages = stages;
    stages[0].levels.struct_size = sizeof(tern_levels) + 400;  // which is seen behind the stage, if there
    CHECK(d.create() == TERN_OK);
    stages[0].levels.struct_size = 4;
    check_c_error(d.create(), TERN_INVALID_ARGUMENT, "tern_stage.levels");
    stages[0] = tern_stage_ternarize();
    stages[0].levels.count = 1;
    CHECK(d.create() != TERN_OK);
    stages[0].levels.count = 15;
    CHECK(d.create() != TERN_OK);
    stages[0] = tern_stage_ternarize();
    stages[0].adds_before_rounding = 1;
    CHECK(d.create() != TERN_OK);
    stages[0] = tern_stage_ternarize();
    d.desc.stage_count = 2;
    CHECK(d.create() == TERN_OK);
    stages[0].struct_size += 1;
    check_c_error(d.create(), TERN_INVALID_ARGUMENT, "struct_size");
    stages[0].struct_size -= 1;
    stages[1].struct_size = 0;
    check_c_error(d.create(), TERN_INVALID_ARGUMENT, "tern_stage");
    CHECK(plan == nullptr);
}

TEST_CASE("threads that nobody runs, and bytes of another sign, are errors in C") {
    small_desc d;
    d.desc.activations = TERN_S8;
    tern_conv2d* plan = nullptr;
    REQUIRE_C(tern_conv2d_create(&d.desc, nullptr, &plan));
    tern_conv2d_shape shape = init<tern_conv2d_shape>();
    REQUIRE_C(tern_conv2d_reshape(plan, 1, 4, 4, 2, &shape));
    std::vector<std::uint8_t> in(16 * 16);
    std::vector<float> out(4 * 8);
    c_memory memory(shape.workspace_bytes);
    tern_conv2d_args args = init<tern_conv2d_args>();
    args.bytes = tern_nhwc(in.data(), TERN_TYPE_U8, 1, 4, 4, 16);
    args.out = tern_nhwc(out.data(), TERN_F32, 1, 2, 2, 8);
    check_c_error(tern_conv2d_run(plan, &args, memory.get(), nullptr), TERN_INVALID_ARGUMENT,
                  "expected a tensor of s8");
    args.bytes.type = TERN_TYPE_S8;
    REQUIRE_C(tern_conv2d_run(plan, &args, memory.get(), nullptr));
    tern_executor threads = init<tern_executor>();
    threads.slices = 2;
    check_c_error(tern_conv2d_run(plan, &args, memory.get(), &threads), TERN_INVALID_ARGUMENT,
                  "parallel_for or barrier");
    threads.slices = 1;
    REQUIRE_C(tern_conv2d_run(plan, &args, memory.get(), &threads));
    threads.index = 3;
    threads.barrier = [](void*) {};
    check_c_error(tern_conv2d_run(plan, &args, memory.get(), &threads), TERN_INVALID_ARGUMENT, "tern_executor");
    tern_conv2d_release(plan);
}

TEST_CASE("the caller's allocator gives all memory, may refuse at any time, and gets it all back") {
    counting_memory all;
    tern_allocator from = all.get();
    tern_plan_options options = init<tern_plan_options>();
    options.allocator = &from;
    small_desc d;
    REQUIRE(d.create(&options) == TERN_OK);
    CHECK(all.allocations > 2);
    CHECK(all.alive == 0);
    for (int n = 0; n < all.allocations; ++n) {
        counting_memory some;
        some.left = n;
        tern_allocator a = some.get();
        options.allocator = &a;
        check_c_error(d.create(&options), TERN_OUT_OF_MEMORY, "null");
        CHECK(some.alive == 0);
    }
    from.deallocate = nullptr;
    options.allocator = &from;
    check_c_error(d.create(&options), TERN_INVALID_ARGUMENT, "both functions");
}

TEST_CASE("a plan lives as long as somebody holds it") {
    counting_memory memory;
    tern_allocator from = memory.get();
    tern_plan_options options = init<tern_plan_options>();
    options.allocator = &from;
    small_desc d;
    tern_conv2d* plan = nullptr;
    REQUIRE_C(tern_conv2d_create(&d.desc, &options, &plan));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        tern_conv2d* mine = tern_conv2d_retain(plan);
        threads.emplace_back([mine] { tern_conv2d_release(mine); });
    }
    tern_conv2d_release(plan);
    for (auto& t : threads)
        t.join();
    CHECK(memory.alive == 0);
}

TEST_CASE("the last error is each thread's own") {
    tern_conv2d* plan = nullptr;
    CHECK(tern_conv2d_create(nullptr, nullptr, &plan) == TERN_INVALID_ARGUMENT);
    const std::string mine = tern_last_error();
    std::string at_first, of_other;
    std::thread other([&] {
        at_first = tern_last_error();
        tern_linear* linear = nullptr;
        CHECK(tern_linear_create(nullptr, 1, 1, nullptr, nullptr, &linear) != TERN_OK);
        of_other = tern_last_error();
    });
    other.join();
    CHECK(at_first.empty());
    CHECK_FALSE(of_other.empty());
    CHECK(mine == tern_last_error());
    CHECK(mine != of_other);
}
