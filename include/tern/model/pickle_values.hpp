// What a pickle may be made of here: numbers, texts, plain containers and tensors. Anything else in it is an object, of
// which nothing is kept but what its class is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "dtype.hpp"
#include "printable.hpp"

TERN_BEGIN_NAMESPACE
namespace pickle {

enum class kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,  ///< its value is never asked for
    text,
    bytes,  ///< and integers of more than 64 bits
    tuple,
    list,
    dict,
    global,   ///< a class or function by name
    object,   ///< what a global that is not known here would have made
    storage,  ///< memory of tensors
    tensor,
};

/// For messages: "an integer".
inline const char* title(kind k) noexcept {
    switch (k) {
        case kind::none: return "None";
        case kind::boolean: return "a truth value";
        case kind::integer: return "an integer";
        case kind::real: return "a real number";
        case kind::text: return "a text";
        case kind::bytes: return "bytes";
        case kind::tuple: return "a tuple";
        case kind::list: return "a list";
        case kind::dict: return "a dict";
        case kind::global: return "a class or function";
        case kind::object: return "an object";
        case kind::storage: return "a storage";
        case kind::tensor: return "a tensor";
    }
    return "nothing";
}

struct value {
    kind what = kind::none;
    std::uint32_t size = 0;   ///< of a text and bytes
    std::int64_t number = 0;  ///< of an integer; where a text begins in the file; else an index into the heap
};

/// An element type of PyTorch's storages.
struct element_type {
    const char* storage;            ///< name of the class
    const char* dtype;              ///< name of the torch.dtype, or ""
    std::size_t bytes;              ///< of an element
    std::optional<data_type> type;  ///< none: cannot be read
};

struct class_name {
    std::string_view module, name;
};
struct storage_record {
    const element_type* type = nullptr;
    value key;                                 // a text
    std::size_t count = 0;                     // elements of the whole
    std::size_t view_begin = 0, view_end = 0;  // elements that are this storage's
};
struct tensor_record {
    std::uint32_t storage = 0;
    const element_type* type = nullptr;
    std::size_t offset = 0;
    tensor_dims shape;
    std::size_t strides[tensor_dims::max_rank] = {};
    value metadata;  // None, or what says that elements are not as they lie there
};

/// Everything that pickles of one file make. Containers are lists of nodes, as they may grow at any time; dicts hold
/// keys and values in turn. Texts stay in the file.
class heap {
public:
    explicit heap(std::string_view file) : file_(file) {}

    std::string_view text(const value& v) const { return file_.substr(static_cast<std::size_t>(v.number), v.size); }
    std::string_view file() const { return file_; }

    /// An empty container.
    result<value> make(kind what) {
        if (lists_.size() == checkpoint_limits::values)
            return full("containers");
        lists_.push_back({});
        return value{what, 0, static_cast<std::int64_t>(lists_.size() - 1)};
    }
    status append(const value& container, const value& v) {
        if (nodes_.size() == checkpoint_limits::values)
            return full("elements of containers");
        nodes_.push_back({v, end_of_list});
        const auto at = static_cast<std::uint32_t>(nodes_.size() - 1);
        list& l = list_of(container);
        if (l.count++ == 0)
            l.first = at;
        else
            nodes_[l.last].next = at;
        l.last = at;
        return {};
    }
    std::size_t count(const value& container) const { return lists_[index(container)].count; }
    /// Calls visit(element) for each, until one returns false.
    template <class Visit>
    void each(const value& container, Visit&& visit) const {
        const list& l = lists_[index(container)];
        // `next` of the last is looked up each time: a list may be an element of itself, but never grows meanwhile.
        for (std::uint32_t i = l.first, n = l.count; n != 0; --n, i = nodes_[i].next)
            if (!visit(nodes_[i].v))
                return;
    }
    /// The first `most` elements; how many there are in all.
    std::size_t take(const value& container, value* out, std::size_t most) const {
        std::size_t n = 0;
        each(container, [&](const value& v) {
            if (n < most)
                out[n++] = v;
            return n < most;
        });
        return count(container);
    }
    /// The value of a key in a dict, the last if there are several, or null.
    const value* find(const value& dict, std::string_view key) const {
        const value* found = nullptr;
        bool is_key = true, matches = false;
        const list& l = lists_[index(dict)];
        for (std::uint32_t i = l.first, n = l.count; n != 0; --n, i = nodes_[i].next, is_key = !is_key) {
            if (is_key)
                matches = nodes_[i].v.what == kind::text && text(nodes_[i].v) == key;
            else if (matches)
                found = &nodes_[i].v;
        }
        return found;
    }

    result<value> add(const class_name& c) { return add(classes_, kind::global, c, "classes"); }
    result<value> add(const storage_record& s) { return add(storages_, kind::storage, s, "storages"); }
    result<value> add(const tensor_record& t) { return add(tensors_, kind::tensor, t, "tensors"); }
    /// Of a global or an object.
    const class_name& class_of(const value& v) const { return classes_[index(v)]; }
    const storage_record& storage(const value& v) const { return storages_[index(v)]; }
    const storage_record& storage(std::size_t i) const { return storages_[i]; }
    const std::vector<storage_record>& storages() const { return storages_; }
    const tensor_record& tensor(const value& v) const { return tensors_[index(v)]; }

    /// For messages: "an integer", "an object of argparse.Namespace".
    std::string describe(const value& v) const {
        if (v.what != kind::global && v.what != kind::object)
            return title(v.what);
        const class_name& c = class_of(v);
        return (v.what == kind::global ? "the class or function " : "an object of ") + detail::printable(c.module, 80) +
               "." + detail::printable(c.name, 80);
    }

    static tern::v1::status full(const char* what) {
        return make_error(errc::unsupported, "expected at most %zu values, found more: %s", checkpoint_limits::values,
                          what);
    }

private:
    struct node {
        value v;
        std::uint32_t next;
    };
    struct list {
        std::uint32_t first = end_of_list, last = end_of_list, count = 0;
    };
    static constexpr std::uint32_t end_of_list = 0xFFFFFFFFu;

    static std::size_t index(const value& v) { return static_cast<std::size_t>(v.number); }
    list& list_of(const value& v) { return lists_[index(v)]; }
    template <class T>
    result<value> add(std::vector<T>& all, kind what, const T& one, const char* title) {
        if (all.size() == checkpoint_limits::tensors)
            return make_error(errc::unsupported, "expected at most %zu %s, found more", checkpoint_limits::tensors,
                              title);
        all.push_back(one);
        return value{what, 0, static_cast<std::int64_t>(all.size() - 1)};
    }

    std::string_view file_;
    std::vector<node> nodes_;
    std::vector<list> lists_;
    std::vector<class_name> classes_;
    std::vector<storage_record> storages_;
    std::vector<tensor_record> tensors_;
};

}  // namespace pickle
TERN_END_NAMESPACE
