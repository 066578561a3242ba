/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF, little-endian (the kernel's Documentation/bpf/btf.rst): a header
 *
 *   magic u16 0xeb9f, version u8 1, flags u8, hdr_len u32, type_off u32, type_len u32, str_off u32, str_len u32
 *
 * whose offsets count from its end, hdr_len; then types, numbered from 1, each
 *
 *   name u32 (in the strings), info u32 (bits 0-15 vlen, 24-28 kind, 31 kind_flag), size or type u32
 *
 * and behind that what its kind needs. A structure or union has vlen members: name u32, type u32, offset u32 in bits;
 * with kind_flag the offset's bits 24-31 are the width of a bit field, 0 for an ordinary member.
 */
#include "analyses/symbols/btf.h"

#include <glib.h>
#include <string.h>

#define MAGIC 0xeb9fu
#define HEADER 24u
#define TYPE 12u
#define MEMBER 12u
#define NESTING_MAX 16u
#define STEPS_MAX                                                                                            \
    (1u << 20) /* members looked at for one that is wanted, those of unnamed ones again for each */

enum {
    KIND_STRUCT = 4,
    KIND_UNION = 5,
    KIND_TYPEDEF = 8,
    KIND_RESTRICT = 11,
    KIND_TYPE_TAG = 18,
    KINDS = 20
};

struct Btf {
    const uint8_t *types, *strings;
    size_t types_size, strings_size;
    GArray *at; /* of uint32_t: where type i + 1 is */
};

/* What follows the three words of a type: so many bytes, and so many for each of vlen. */
static const struct {
    uint8_t fixed, each;
} kind_size[KINDS] = {
    [1] = {4, 0},  [3] = {12, 0}, [4] = {0, 12},  [5] = {0, 12}, [6] = {0, 8},
    [13] = {0, 8}, [14] = {4, 0}, [15] = {0, 12}, [17] = {4, 0}, [19] = {0, 12},
};

static uint32_t get32(const uint8_t *p) {
    /* NOLINTNEXTLINE(clang-analyzer-core.*): a Btf that was made has types */
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static unsigned kind_of(const uint8_t *type) {
    return get32(type + 4) >> 24 & 31;
}

static unsigned vlen_of(const uint8_t *type) {
    return get32(type + 4) & 0xffff;
}

static bool index_types(Btf *b) {
    for (size_t at = 0; at < b->types_size;) {
        if (b->types_size - at < TYPE)
            return false;
        const uint8_t *type = b->types + at;
        unsigned kind = kind_of(type);
        if (kind == 0 || kind >= KINDS)
            return false;
        size_t size = TYPE + kind_size[kind].fixed + (size_t)vlen_of(type) * kind_size[kind].each;
        if (size > b->types_size - at)
            return false;
        uint32_t here = (uint32_t)at;
        g_array_append_val(b->at, here);
        at += size;
    }
    return true;
}

Btf *btf_new(const uint8_t *data, size_t size) {
    if (size < HEADER || (get32(data) & 0xffff) != MAGIC || data[2] != 1)
        return NULL;
    uint64_t header = get32(data + 4), types = header + get32(data + 8), n_types = get32(data + 12),
             strings = header + get32(data + 16), n_strings = get32(data + 20);
    if (types + n_types > size || strings + n_strings > size || n_strings == 0 ||
        data[strings + n_strings - 1] != 0)
        return NULL;
    Btf *b = g_new0(Btf, 1);
    *b = (Btf){data + types, data + strings, n_types, n_strings, g_array_new(FALSE, FALSE, sizeof(uint32_t))};
    if (index_types(b))
        return b;
    btf_free(b);
    return NULL;
}

void btf_free(Btf *b) {
    if (!b)
        return;
    g_array_free(b->at, TRUE);
    g_free(b);
}

static const char *string_at(const Btf *b, uint32_t at) {
    return at < b->strings_size ? (const char *)b->strings + at : "";
}

/* Behind typedefs and qualifiers; NULL: void or out of range. */
static const uint8_t *type_of(const Btf *b, uint32_t id) {
    for (unsigned i = 0; i < NESTING_MAX && id >= 1 && id <= b->at->len; i++) {
        const uint8_t *type = b->types + g_array_index(b->at, uint32_t, id - 1);
        unsigned kind = kind_of(type);
        if ((kind < KIND_TYPEDEF || kind > KIND_RESTRICT) && kind != KIND_TYPE_TAG)
            return type;
        id = get32(type + 8);
    }
    return NULL;
}

static bool is_composite(const uint8_t *type) {
    return type && (kind_of(type) == KIND_STRUCT || kind_of(type) == KIND_UNION);
}

typedef struct Search {
    const char *name; /* up to `length` bytes */
    size_t length;
    unsigned depth, steps;
} Search;

/* What the member's type is, and where it is in the outermost one. */
static bool find_member(const Btf *b, const uint8_t *type, Search *s, uint64_t *bits, const uint8_t **of) {
    if (!is_composite(type) || s->depth > NESTING_MAX)
        return false;
    bool flag = get32(type + 4) >> 31;
    for (unsigned i = 0; i < vlen_of(type) && s->steps++ < STEPS_MAX; i++) {
        const uint8_t *m = type + TYPE + (size_t)i * MEMBER;
        const char *own = string_at(b, get32(m));
        uint32_t offset = flag ? get32(m + 8) & 0xffffff : get32(m + 8);
        const uint8_t *inner = type_of(b, get32(m + 4));
        if (!*own && is_composite(inner)) {
            s->depth++;
            bool found = find_member(b, inner, s, bits, of);
            s->depth--;
            if (found) {
                *bits += offset;
                return true;
            }
        }
        if (strncmp(own, s->name, s->length) != 0 || own[s->length] || (flag && get32(m + 8) >> 24))
            continue;
        *bits = offset;
        *of = inner;
        return true;
    }
    return false;
}

static const uint8_t *find_structure(const Btf *b, const char *name) {
    for (guint i = 0; i < b->at->len; i++) {
        const uint8_t *type = b->types + g_array_index(b->at, uint32_t, i);
        if (kind_of(type) == KIND_STRUCT && !strcmp(string_at(b, get32(type)), name))
            return type;
    }
    return NULL;
}

bool btf_size(const Btf *b, const char *structure, uint32_t *size) {
    const uint8_t *type = find_structure(b, structure);
    if (type)
        *size = get32(type + 8);
    return type != NULL;
}

bool btf_member(const Btf *b, const char *structure, const char *member, uint32_t *offset) {
    const uint8_t *type = find_structure(b, structure);
    uint64_t sum = 0;
    for (;;) {
        uint64_t bits;
        size_t length = strcspn(member, ".");
        Search s = {.name = member, .length = length};
        if (!type || !find_member(b, type, &s, &bits, &type) || bits % 8)
            return false;
        sum += bits / 8;
        if (!member[length])
            break;
        member += length + 1;
    }
    *offset = (uint32_t)sum;
    return true;
}
