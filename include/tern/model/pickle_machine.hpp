// Reads pickles: the stack machine of Python's pickle module (protocols 2 to 5), as far as data need it. Nothing is
// ever imported, called or made but what pickle_values.hpp lists.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "pickle_opcodes.hpp"
#include "pickle_values.hpp"
#include "torch_objects.hpp"

TERN_BEGIN_NAMESPACE
namespace pickle {

/// Reads one pickle of the heap's file.
class machine {
public:
    /// The pickle begins at byte `at`, which must lie within the file or at its end.
    machine(heap& h, std::size_t at) : heap_(&h), file_(h.file()), at_(at) {}

    /// What it holds; then at() is behind it. Errors (bad_format, unsupported) name the byte.
    result<value> run() {
        for (;;) {
            const std::size_t start = at_;
            std::size_t code = 0;
            status s = take(1, code);
            if (s.ok() && code == op_stop) {
                value top;
                s = pop(top);
                if (s.ok())
                    return top;
            }
            if (s.ok())
                s = step(static_cast<unsigned char>(code));
            if (!s.ok())
                return make_error(s.code(), "pickle, byte %zu: %s", start, s.message());
        }
    }
    std::size_t at() const { return at_; }

private:
    status step(unsigned char code) {
        switch (code) {
            case op_proto: return protocol();
            case op_frame: return skip(8);  // frames only say how much to read at a time
            case op_mark: return mark();
            case op_pop: return pop_any();
            case op_pop_mark: return drop_to_mark();
            case op_dup: return duplicate();
            case op_none: return push({});
            case op_newtrue: return push({kind::boolean, 0, 1});
            case op_newfalse: return push({kind::boolean, 0, 0});
            case op_binint: return integer(4, true);
            case op_binint1: return integer(1, false);
            case op_binint2: return integer(2, false);
            case op_long1: return long_integer(1);
            case op_long4: return long_integer(4);
            case op_binfloat: TERN_TRY(skip(8)); return push({kind::real, 0, 0});
            case op_short_binunicode:
            case op_short_binstring: return text(kind::text, 1);
            case op_binunicode:
            case op_binstring: return text(kind::text, 4);
            case op_binunicode8: return text(kind::text, 8);
            case op_short_binbytes: return text(kind::bytes, 1);
            case op_binbytes: return text(kind::bytes, 4);
            case op_binbytes8:
            case op_bytearray8: return text(kind::bytes, 8);
            case op_empty_list:
            case op_empty_set: return empty(kind::list);
            case op_empty_tuple: return empty(kind::tuple);
            case op_empty_dict: return empty(kind::dict);
            case op_list:
            case op_frozenset: return collect_to_mark(kind::list);
            case op_tuple: return collect_to_mark(kind::tuple);
            case op_dict: return collect_to_mark(kind::dict);
            case op_tuple1: return collect(kind::tuple, 1);
            case op_tuple2: return collect(kind::tuple, 2);
            case op_tuple3: return collect(kind::tuple, 3);
            case op_append: return extend(kind::list, 1);
            case op_setitem: return extend(kind::dict, 2);
            case op_appends:
            case op_additems: return extend_to_mark(kind::list);
            case op_setitems: return extend_to_mark(kind::dict);
            case op_global: return global();
            case op_stack_global: return stack_global();
            case op_reduce:
            case op_newobj: return call(2);
            case op_newobj_ex: return call(3);
            case op_build: return build();
            case op_binpersid: return persistent();
            case op_binput: return put(1);
            case op_long_binput: return put(4);
            case op_memoize: return keep(memo_.size());
            case op_binget: return get(1);
            case op_long_binget: return get(4);
            default:
                return make_error(errc::bad_format,
                                  "expected an opcode of pickle protocols 2 to 5 that makes data, found 0x%02x%s", code,
                                  code >= 0x20 && code < 0x7F
                                      ? (std::string(" '") + static_cast<char>(code) + "'").c_str()
                                      : "");
        }
    }

    // Bytes of the file.

    status missing(std::size_t bytes) const {
        return make_error(errc::bad_format, "expected %zu more bytes, found only %zu in the file", bytes,
                          file_.size() - at_);
    }
    status skip(std::size_t bytes) {
        if (bytes > file_.size() - at_)
            return missing(bytes);
        at_ += bytes;
        return {};
    }
    /// A little-endian number of 1 to 8 bytes.
    status take(std::size_t bytes, std::size_t& out) {
        if (bytes > file_.size() - at_)
            return missing(bytes);
        std::uint64_t v = 0;
        for (std::size_t i = bytes; i-- > 0;)
            v = v << 8 | static_cast<unsigned char>(file_[at_ + i]);
        if (v > SIZE_MAX)
            return make_error(errc::bad_format, "expected a size within the address space, found %llu",
                              static_cast<unsigned long long>(v));
        out = static_cast<std::size_t>(v);
        at_ += bytes;
        return {};
    }
    status protocol() {
        std::size_t version = 0;
        TERN_TRY(take(1, version));
        if (version < 2 || version > 5)
            return make_error(errc::unsupported, "expected pickle protocol 2 to 5, found %zu", version);
        return {};
    }
    status integer(std::size_t bytes, bool is_signed) {
        std::size_t v = 0;
        TERN_TRY(take(bytes, v));
        auto number = static_cast<std::int64_t>(v);
        if (is_signed && (v >> (8 * bytes - 1) & 1u) != 0)
            number -= std::int64_t{1} << (8 * bytes);
        return push({kind::integer, 0, number});
    }
    /// Two's complement of any length.
    status long_integer(std::size_t length_bytes) {
        std::size_t n = 0;
        TERN_TRY(take(length_bytes, n));
        const std::size_t start = at_;
        TERN_TRY(skip(n));
        if (n > 8)
            return push({kind::bytes, static_cast<std::uint32_t>(n), static_cast<std::int64_t>(start)});
        std::uint64_t v = n != 0 && (static_cast<unsigned char>(file_[at_ - 1]) & 0x80u) != 0 ? ~std::uint64_t{0} : 0;
        for (std::size_t i = n; i-- > 0;)
            v = v << 8 | static_cast<unsigned char>(file_[start + i]);
        return push({kind::integer, 0, static_cast<std::int64_t>(v)});
    }
    status text(kind what, std::size_t length_bytes) {
        std::size_t n = 0;
        TERN_TRY(take(length_bytes, n));
        const std::size_t start = at_;
        TERN_TRY(skip(n));
        if (n > UINT32_MAX)
            return make_error(errc::unsupported, "expected a text below 4 GiB, found %zu bytes", n);
        return push({what, static_cast<std::uint32_t>(n), static_cast<std::int64_t>(start)});
    }
    status line(std::string_view& out) {
        const std::size_t end = file_.find('\n', at_);
        if (end == std::string_view::npos)
            return make_error(errc::bad_format, "expected a line with a name, found no end of it");
        out = file_.substr(at_, end - at_);
        at_ = end + 1;
        return {};
    }

    // The stack. Values below the last mark are out of reach.

    status push(const value& v) {
        if (stack_.size() == checkpoint_limits::values)
            return heap::full("the stack");
        stack_.push_back(v);
        return {};
    }
    std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
    status need(std::size_t count) const {
        if (stack_.size() - floor() < count)
            return make_error(errc::bad_format, "expected %zu values on the stack, found %zu", count,
                              stack_.size() - floor());
        return {};
    }
    status pop(value& out) {
        TERN_TRY(need(1));
        out = stack_.back();
        stack_.pop_back();
        return {};
    }
    status mark() {
        if (marks_.size() == checkpoint_limits::values)
            return heap::full("marks");
        marks_.push_back(static_cast<std::uint32_t>(stack_.size()));
        return {};
    }
    /// Number of values above the last mark, which goes.
    status take_mark(std::size_t& count) {
        if (marks_.empty())
            return make_error(errc::bad_format, "expected a mark on the stack, found none");
        count = stack_.size() - marks_.back();
        marks_.pop_back();
        return {};
    }
    status pop_any() {  // a mark counts as a value here
        if (stack_.size() == floor() && !marks_.empty()) {
            marks_.pop_back();
            return {};
        }
        value gone;
        return pop(gone);
    }
    status drop_to_mark() {
        std::size_t count = 0;
        TERN_TRY(take_mark(count));
        stack_.resize(stack_.size() - count);
        return {};
    }
    status duplicate() {
        TERN_TRY(need(1));
        return push(stack_.back());
    }

    // Containers.

    status empty(kind what) {
        const auto made = heap_->make(what);
        return made.ok() ? push(*made) : made.status();
    }
    /// Moves the last `count` values into `container`.
    status move_into(const value& container, std::size_t count) {
        if (container.what == kind::dict && count % 2 != 0)
            return make_error(errc::bad_format, "expected a value for each key of a dict, found %zu values", count);
        for (std::size_t i = stack_.size() - count; i < stack_.size(); ++i)
            TERN_TRY(heap_->append(container, stack_[i]));
        stack_.resize(stack_.size() - count);
        return {};
    }
    status collect(kind what, std::size_t count) {
        TERN_TRY(need(count));
        const auto made = heap_->make(what);
        TERN_TRY(made.status());
        TERN_TRY(move_into(*made, count));
        return push(*made);
    }
    status collect_to_mark(kind what) {
        std::size_t count = 0;
        TERN_TRY(take_mark(count));
        return collect(what, count);
    }
    /// Puts the last `count` values into the container below them; what objects are given is dropped.
    status extend(kind what, std::size_t count) {
        TERN_TRY(need(count + 1));
        const value target = stack_[stack_.size() - count - 1];
        if (target.what == kind::object) {
            stack_.resize(stack_.size() - count);
            return {};
        }
        if (target.what != what)
            return make_error(errc::bad_format, "expected %s to put elements into, found %s", title(what),
                              heap_->describe(target).c_str());
        return move_into(target, count);
    }
    status extend_to_mark(kind what) {
        std::size_t count = 0;
        TERN_TRY(take_mark(count));
        return extend(what, count);
    }

    // Classes and objects.

    status global() {
        class_name c;
        TERN_TRY(line(c.module));
        TERN_TRY(line(c.name));
        return push_global(c);
    }
    status stack_global() {
        value module, name;
        TERN_TRY(pop(name));
        TERN_TRY(pop(module));
        if (module.what != kind::text || name.what != kind::text)
            return make_error(errc::bad_format, "expected a module and a name as texts, found %s and %s",
                              title(module.what), title(name.what));
        return push_global({heap_->text(module), heap_->text(name)});
    }
    status push_global(const class_name& c) {
        const auto made = heap_->add(c);
        return made.ok() ? push(*made) : made.status();
    }
    /// A class or function with its arguments, which may be of two kinds: only those of torch_objects.hpp do anything.
    status call(std::size_t count) {
        TERN_TRY(need(count));
        const value callee = stack_[stack_.size() - count], arguments = stack_[stack_.size() - count + 1];
        stack_.resize(stack_.size() - count);
        const auto made = call_global(*heap_, callee, arguments);
        return made.ok() ? push(*made) : made.status();
    }
    status build() {  // attributes: a state dict's _metadata, the fields of objects
        value state;
        TERN_TRY(pop(state));
        return need(1);
    }
    status persistent() {
        value id;
        TERN_TRY(pop(id));
        const auto made = make_storage(*heap_, id);
        return made.ok() ? push(*made) : made.status();
    }

    // The memo.

    status keep(std::size_t slot) {
        TERN_TRY(need(1));
        if (slot >= checkpoint_limits::values)
            return heap::full("the memo");
        if (slot >= memo_.size())
            memo_.resize(slot + 1, {nothing, 0, 0});
        memo_[slot] = stack_.back();
        return {};
    }
    status put(std::size_t bytes) {
        std::size_t slot = 0;
        TERN_TRY(take(bytes, slot));
        return keep(slot);
    }
    status get(std::size_t bytes) {
        std::size_t slot = 0;
        TERN_TRY(take(bytes, slot));
        if (slot >= memo_.size() || memo_[slot].what == nothing)
            return make_error(errc::bad_format,
                              "expected a value that was kept in the memo before, found slot %zu empty", slot);
        return push(memo_[slot]);
    }

    static constexpr kind nothing = static_cast<kind>(0xFF);  // in the memo's free slots

    heap* heap_;
    std::string_view file_;
    std::size_t at_;
    std::vector<value> stack_, memo_;
    std::vector<std::uint32_t> marks_;  // sizes of the stack
};

}  // namespace pickle
TERN_END_NAMESPACE
