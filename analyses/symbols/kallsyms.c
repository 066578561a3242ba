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
#define TEXT_MAX ((size_t)1 << 30) /* bytes of all names */
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

/* Where an index may be: 0, then the length of the first text, in one byte. Most of an image is no such thing. */
static bool may_begin(uint32_t first) {
    return (first & 0xff00ffff) == 0 && first;
}

/* The next place at or behind `at`, or the end. */
static size_t next_place(const Tables *t, size_t at) {
    for (uint32_t words[16]; at + sizeof words <= t->size; at += sizeof words) {
        uint32_t any = 0;
        memcpy(words, t->image + at, sizeof words);
        for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
            any |= may_begin(GUINT32_FROM_LE(words[i])) ? 1 : 0;
        if (any)
            break;
    }
    while (at + 4 <= t->size && !may_begin(get_le(t, at, 4)))
        at += 4;
    return at;
}

static bool find_tokens(Tables *t, size_t from) {
    for (size_t at = next_place(t, from); at + 2 * TOKENS <= t->size; at = next_place(t, at + 4)) {
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

#define TOKEN_SHORT 8u

typedef struct Token {
    const char *text;
    char begin[TOKEN_SHORT]; /* of the text: all of most, copied without asking how long it is */
    uint8_t length;
    bool is_ascii;
} Token;

static void read_tokens(const Tables *t, Token tokens[TOKENS]) {
    for (unsigned i = 0; i < TOKENS; i++) {
        const char *text = token(t, (uint8_t)i);
        tokens[i] = (Token){text, {0}, (uint8_t)strlen(text), true};
        memcpy(tokens[i].begin, text, MIN(tokens[i].length, TOKEN_SHORT));
        for (unsigned k = 0; k < tokens[i].length; k++)
            tokens[i].is_ascii &= (uint8_t)text[k] < 0x80;
    }
}

/* Room for TOKEN_MAX more than the name; with its type, and a zero. */
static size_t expand(const Token tokens[TOKENS], const uint8_t *at, uint32_t length, char *to,
                     bool *is_ascii) {
    size_t n = 0;
    bool ascii = true;
    for (uint32_t i = 0; i < length && n < NAME_MAX_LEN; i++) {
        const Token *k = &tokens[at[i]];
        memcpy(to + n, k->begin, TOKEN_SHORT);
        if (G_UNLIKELY(k->length > TOKEN_SHORT))
            memcpy(to + n, k->text, k->length);
        n += k->length;
        ascii &= k->is_ascii;
    }
    to[n] = 0;
    *is_ascii = ascii;
    return n;
}

static size_t make_valid(char *name, size_t room) {
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    return g_strlcpy(name, valid, room);
}

#define NAME_ROOM (NAME_MAX_LEN + TOKEN_MAX + 1)

static KernelSymbols *read_symbols(const Tables *t) {
    KernelSymbols *s = g_new0(KernelSymbols, 1);
    Token tokens[TOKENS];
    size_t at = t->names, used = 0, room = 0;
    read_tokens(t, tokens);
    s->symbol = g_new(KernelSymbol, t->n);
    for (uint32_t i = 0; i < t->n && used < TEXT_MAX; i++) {
        const uint8_t *name = NULL;
        uint32_t length = next_name(t, &at, &name);
        bool is_ascii;
        if (room - used < 3 * NAME_ROOM) /* an invalid byte becomes three */
            s->text = g_realloc(s->text, room = room * 2 + ((size_t)1 << 20));
        size_t n = expand(tokens, name, length, s->text + used, &is_ascii);
        if (n < 2)
            continue;
        if (!is_ascii)
            n = 1 + make_valid(s->text + used + 1, 3 * NAME_ROOM - 1);
        s->symbol[s->n++] = (KernelSymbol){t->base + get_le(t, t->offsets + 4 * (size_t)i, 4), 0,
                                           (uint32_t)used + 1, s->text[used]};
        used += n + 1;
    }
    return s;
}

/* Each reaches up to the next address. */
static void measure(KernelSymbols *all) {
    uint64_t above = 0, here = 0;
    for (uint32_t i = all->n; i-- > 0;) {
        KernelSymbol *s = &all->symbol[i];
        if (i + 1 < all->n && s->addr != here)
            above = here;
        here = s->addr;
        s->size = above ? above - here : 0;
    }
}

void kallsyms_free(KernelSymbols *s) {
    if (!s)
        return;
    g_free(s->symbol);
    g_free(s->text);
    g_free(s);
}

KernelSymbols *kallsyms_read(const uint8_t *image, size_t size) {
    Tables t = {.image = image, .size = size};
    for (size_t from = 0; find_tokens(&t, from); from = t.token_index + 4) {
        if (!find_names(&t) || !find_offsets(&t))
            continue;
        KernelSymbols *symbols = read_symbols(&t);
        measure(symbols);
        if (symbols->n)
            return symbols;
        kallsyms_free(symbols);
        return NULL;
    }
    return NULL;
}
