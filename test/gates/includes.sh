#!/bin/sh
# usage: includes.sh FOLDER   (the folder that holds core/, op/ and so on)
#
# Checks every #include below FOLDER against the direction of the parts:
#
#   core <- code <- format <- { quantize, kernel/table } <- op <- model, c_api        dispatch <- op
#
# kernel/table stands for it and what it is made of: family, winograd_form, epilogue_params and cost. The rest of kernel/ is entered through
# kernel/all.hpp, by kernel/target_tu.hpp or dispatch/; simd/ is included by kernel/ alone;
# threads/ includes core/ and is included by users alone; xsimd by simd/vec*, intrinsics by simd/, JSON by model/, minizip by
# model/zip_archive.hpp.
set -u
cd "$1" || exit 2

files=$(find . -name '*.hpp' -o -name '*.h' | sed 's|^\./||' | sort)
[ -n "$files" ] || { echo "no headers in $1"; exit 2; }

# shellcheck disable=SC2086
awk '
    # The part a file belongs to: its folder, but the doors of kernel/ are parts of their own.
    function part_of(path,    p) {
        if (path == "version.hpp") return "core"
        if (path ~ /^kernel\/(table|family|winograd_form|epilogue_params|cost)\.hpp$/) return "kernel/table"
        if (path ~ /^kernel\/(reference|all|target_tu)\.hpp$/) {
            sub(/\.hpp$/, "", path)
            return path
        }
        if (path ~ /^c_api/) return "c_api"
        if (path !~ /\//) return path
        p = path
        sub(/\/.*/, "", p)
        return p
    }
    # folder/name with ../ resolved
    function join(folder, name) {
        while (name ~ /^\.\.\//) {
            name = substr(name, 4)
            if (folder ~ /\//) sub(/\/[^\/]*$/, "", folder)
            else folder = ""
        }
        sub(/^\.\//, "", name)
        return folder == "" ? name : folder "/" name
    }
    function report(what) {
        print FILENAME ":" FNR ": " what
        bad = 1
    }
    BEGIN {
        may["core"] = "core"
        may["code"] = "core code"
        may["format"] = "core code format"
        may["quantize"] = "core code format quantize"
        may["kernel/table"] = "core code format kernel/table"
        may["kernel/reference"] = "core code format kernel/table"
        may["simd"] = "core simd"
        may["kernel"] = "core code simd kernel kernel/table"
        may["kernel/all"] = "core kernel kernel/table"
        may["kernel/target_tu"] = "core kernel/all"
        may["dispatch"] = "core dispatch kernel/table kernel/all"
        may["op"] = "core code format quantize kernel/table dispatch op"
        may["tern.hpp"] = may["op"]
        may["threads"] = "core threads"
        may["model"] = may["op"] " tern.hpp model"
        may["model.hpp"] = may["model"]
        may["c_api"] = may["model"] " model.hpp c_api"
    }
    /^[ \t]*#[ \t]*include/ {
        name = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
        from = part_of(FILENAME)
        if (!(from in may)) {
            report("no rule for the part " from)
            next
        }
        if (name ~ /^"/ || name ~ /^<tern\//) {
            quoted = name ~ /^"/
            name = substr(name, 2)
            sub(/[">].*$/, "", name)
            folder = FILENAME
            if (folder ~ /\//) sub(/\/[^\/]*$/, "", folder)
            else folder = ""
            target = quoted ? join(folder, name) : substr(name, 6)
            if ((getline line < target) < 0) report("no such file: " target)
            close(target)
            to = part_of(target)
            if (index(" " may[from] " ", " " to " ") == 0) report(from " may not include " to " (" target ")")
            next
        }
        sub(/^</, "", name)
        sub(/>.*$/, "", name)
        if (name ~ /^xsimd\// && FILENAME !~ /^simd\/vec/) report("xsimd belongs in simd/vec*")
        if (name ~ /^nlohmann\// && from != "model") report("JSON belongs in model/")
        if (name ~ /^(minizip\/|zlib)/ && FILENAME != "model/zip_archive.hpp") report("zip belongs in model/zip_archive.hpp")
        if (name ~ /^(.*mmintrin|.*intrin|x86gprintrin|arm_[a-z0-9]+)\.h$/ && from != "simd" && !(from == "dispatch" && name == "intrin.h"))
            report("intrinsics belong in simd/")
        if ((from == "simd" || from ~ /^kernel/) && from != "kernel/reference" && name !~ /^(cstddef|cstdint|climits|cfloat|limits|type_traits|xsimd\/.*|.*intrin\.h|arm_[a-z0-9]+\.h)$/)
            report("kernels share no code with other levels, so they use nothing of <" name ">")
        if (name == "mutex" && FILENAME ~ /^model\/tuning/) next  # shared by threads that make plans
        if (name ~ /^(thread|mutex)$/ && from == "threads") next  # adapters, which nothing includes
        if (name ~ /^(iostream|thread|mutex|future|regex)$/) report("<" name "> has no place in the library")
        if (name ~ /^(omp\.h|pthreadpool\.h|tbb\/.*|oneapi\/.*)$/ && from != "threads") report("threads of others belong in threads/")
        if (name ~ /^(fstream|filesystem)$/ && from != "model") report("files belong in model/")
    }
    END { exit bad }
' $files || exit 1
echo "$(printf '%s\n' "$files" | wc -l) headers include in the right direction"
