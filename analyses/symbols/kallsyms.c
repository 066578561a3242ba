/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing in the image says where the tables are, so they are found by their shape. Each starts at a multiple of 8, or
 * of 4 where the kernel was built so, little-endian:
 *
 *   names          per symbol: length (1 byte, or 2 of 7 bits each when the first has bit 7 set), then that many
 *                  indices of tokens, whose texts make up the symbol's type letter and its name
 *   num_syms       u32, right before names
 *   markers        u32 per 256 symbols: where in names they begin; right behind names
 *   token_table    256 texts, each ended by 0
 *   token_index    256 u16: where in token_table they begin; right behind it
 *   offsets        u32 per symbol, ascending: its address less relative_base
 *   relative_base  u64, right behind offsets
 *
 * Since Linux 6.4 offsets lie behind token_index, before that ahead of num_syms.
 */
#include "analyses/symbols/kallsyms.h"

#include <string.h>

#define TOKENS 256u
#define TOKEN_MAX 128u /* bytes of a token's text */
#define NAME_MAX_LEN 1024u
#define SYMBOLS_MIN 256u
#define SYMBOLS_MAX (1u << 22)
#define TYPES "tTdDbBrRaAwWvVuUnNiI?"
#define CHECKED 16u                     /* names whose types are looked at first */
#define LINK_BASE 0xffffffff80000000ull /* of a kernel that leaves relative_base 0 */

typedef struct Tables {
    const uint8_t *image;
    size_t size;
    size_t token_table, token_index, names, names_end, offsets;
    uint32_t n;
    uint64_t base;
} Tables;

static uint32_t get_le(const Tables *t, size_t at, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)t->image[at + i] << (8 * i);
    return value;
}

static size_t align_up(size_t at, size_t to) {
    return (at + to - 1) / to * to;
}

/* -- tokens --------------------------------------------------------------------------------------------------- */
static bool is_token_index(const Tables *t, size_t at) {
    uint32_t last = 0;
    if (get_le(t, at, 2))
        return false;
    for (unsigned i = 1; i < TOKENS; i++) {
        uint32_t next = get_le(t, at + 2 * i, 2);
        if (next < last + 2 || next > last + TOKEN_MAX)
            return false;
        last = next;
    }
    return true;
}

/* Texts end exactly where the next one begins, and the last one right before the index. */
static bool is_token_table(const Tables *t, size_t table, size_t index) {
    for (unsigned i = 0; i < TOKENS; i++) {
        size_t from = table + get_le(t, index + 2 * i, 2);
        const uint8_t *end = memchr(t->image + from, 0, index - from);
        size_t next = end ? (size_t)(end - t->image) + 1 : 0;
        if (!end || (i + 1 < TOKENS ? next != table + get_le(t, index + 2 * (i + 1), 2) : index - next >= 8))
            return false;
    }
    return true;
}

static bool find_tokens(Tables *t, size_t from) {
    for (size_t at = from; at + 2 * TOKENS <= t->size; at += 4) {
        if (!is_token_index(t, at))
            continue;
        size_t last = get_le(t, at + 2 * (TOKENS - 1), 2);
        for (size_t back = last + 2; back <= last + TOKEN_MAX + 8 && back <= at; back++)
            if ((at - back) % 4 == 0 && is_token_table(t, at - back, at)) {
                t->token_table = at - back;
                t->token_index = at;
                return true;
            }
    }
    return false;
}

static const char *token(const Tables *t, uint8_t i) {
    return (const char *)t->image + t->token_table + get_le(t, t->token_index + 2 * i, 2);
}

/* -- names ---------------------------------------------------------------------------------------------------- */
/* The tokens of the name at *at, which moves behind it; 0 if there is no name. */
static uint32_t next_name(const Tables *t, size_t *at, const uint8_t **tokens) {
    if (t->token_table - *at < 2)
        return 0;
    uint32_t length = t->image[(*at)++];
    if (length & 0x80)
        length = (length & 0x7f) | (uint32_t)t->image[(*at)++] << 7;
    if (length > t->token_table - *at)
        return 0;
    *tokens = t->image + *at;
    *at += length;
    return length;
}

/* n names at `at` whose markers follow them. */
static bool is_names(Tables *t, size_t at, uint32_t n) {
    const uint8_t *tokens;
    g_autoptr(GArray) markers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    size_t end = at;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t marker = (uint32_t)(end - at);
        if (i % 256 == 0)
            g_array_append_val(markers, marker);
        if (!next_name(t, &end, &tokens) || (i < CHECKED && !strchr(TYPES, token(t, tokens[0])[0])))
            return false;
    }
    for (size_t unit = 4; unit <= 8; unit += 4) {
        size_t from = align_up(end, unit);
        bool same = from + 4 * markers->len <= t->token_table;
        for (guint i = 0; same && i < markers->len; i++)
            same = get_le(t, from + 4 * i, 4) == g_array_index(markers, uint32_t, i);
        if (same)
            return true;
    }
    return false;
}

static bool find_names(Tables *t) {
    for (size_t at = t->token_table & ~(size_t)3; at >= 8; at -= 4) {
        uint32_t n = get_le(t, at - 4, 4);
        /* num_syms may be padded to 8 bytes */
        bool padded = n == 0;
        if (padded)
            n = get_le(t, at - 8, 4);
        if (n < SYMBOLS_MIN || n > SYMBOLS_MAX || n > t->token_table - at || !is_names(t, at, n))
            continue;
        t->names = at;
        t->names_end = at - (padded ? 8 : 4);
        t->n = n;
        return true;
    }
    return false;
}

/* -- addresses ------------------------------------------------------------------------------------------------ */
static bool is_offsets(const Tables *t, size_t at) {
    for (uint32_t i = 1; i < t->n; i++)
        if (get_le(t, at + 4 * (size_t)i, 4) < get_le(t, at + 4 * (size_t)(i - 1), 4))
            return false;
    return get_le(t, at, 4) != get_le(t, at + 4 * (size_t)(t->n - 1), 4);
}

/* With the base behind them, which is a page's address; 0 stands for what relocation would have filled in. */
static bool take_offsets(Tables *t, size_t at) {
    size_t end = align_up(at + 4 * (size_t)t->n, 8);
    if (end > t->size || t->size - end < 8 || !is_offsets(t, at))
        return false;
    t->offsets = at;
    t->base = get_le(t, end, 4) | (uint64_t)get_le(t, end + 4, 4) << 32;
    if (t->base == 0)
        t->base = LINK_BASE;
    return t->base % 4096 == 0;
}

static bool find_offsets(Tables *t) {
    size_t array = align_up(4 * (size_t)t->n, 8);
    if (take_offsets(t, align_up(t->token_index + 2 * TOKENS, 8)))
        return true;
    return t->names_end >= array + 8 && take_offsets(t, t->names_end - 8 - array);
}

static void symbol_clear(void *p) {
    g_free(((KernelSymbol *)p)->name);
}

static GArray *read_symbols(const Tables *t) {
    GArray *symbols = g_array_sized_new(FALSE, FALSE, sizeof(KernelSymbol), t->n);
    GString *text = g_string_new(NULL);
    size_t at = t->names;
    g_array_set_clear_func(symbols, symbol_clear);
    for (uint32_t i = 0; i < t->n; i++) {
        const uint8_t *tokens = NULL;
        uint32_t length = next_name(t, &at, &tokens);
        g_string_truncate(text, 0);
        for (uint32_t k = 0; k < length && text->len < NAME_MAX_LEN; k++)
            g_string_append(text, token(t, tokens[k]));
        if (text->len < 2)
            continue;
        KernelSymbol s = {g_utf8_make_valid(text->str + 1, -1),
                          t->base + get_le(t, t->offsets + 4 * (size_t)i, 4), 0, text->str[0]};
        g_array_append_val(symbols, s);
    }
    g_string_free(text, TRUE);
    return symbols;
}

/* Each reaches up to the next address. */
static void measure(GArray *symbols) {
    uint64_t above = 0, here = 0;
    for (guint i = symbols->len; i-- > 0;) {
        KernelSymbol *s = &g_array_index(symbols, KernelSymbol, i);
        if (i + 1 < symbols->len && s->addr != here)
            above = here;
        here = s->addr;
        s->size = above ? above - here : 0;
    }
}

GArray *kallsyms_read(const uint8_t *image, size_t size) {
    Tables t = {.image = image, .size = size};
    for (size_t from = 0; find_tokens(&t, from); from = t.token_index + 4) {
        if (!find_names(&t) || !find_offsets(&t))
            continue;
        GArray *symbols = read_symbols(&t);
        measure(symbols);
        return symbols;
    }
    return NULL;
}
