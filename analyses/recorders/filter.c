/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/filter.h"

#include <errno.h>
#include <stdlib.h>

static bool refuse(const Recorder *run, const char *option, const char *expected, GError **error) {
    return recorder_refuse(run, error, "%s=%s: expected %s", option, recorder_setting(run, option), expected);
}

/* Decimal or 0x…, with k, M or G behind; *end is where it ends. */
static bool parse(const char *text, const char **end, uint64_t *ret) {
    char *at;
    if (!g_ascii_isdigit(*text))
        return false;
    errno = 0;
    uint64_t v = g_ascii_strtoull(text, &at, text[0] == '0' && (text[1] | 32) == 'x' ? 16 : 10);
    uint64_t unit = *at == 'k' ? 1000 : *at == 'M' ? 1000000 : *at == 'G' ? 1000000000 : 1;
    *end = at + (unit > 1);
    *ret = v * unit;
    return errno == 0 && v <= UINT64_MAX / unit;
}

bool filter_number(Recorder *run, const char *option, uint64_t least, uint64_t most, uint64_t *ret,
                   GError **error) {
    const char *text = recorder_setting(run, option), *end;
    uint64_t v;
    if (!*text)
        return true;
    if (!parse(text, &end, &v) || *end || v < least || v > most) {
        g_autofree char *expected = g_strdup_printf("a number from %" G_GUINT64_FORMAT, least);
        g_autofree char *range = most == UINT64_MAX
                                     ? g_strconcat(expected, " on", NULL)
                                     : g_strdup_printf("%s to %" G_GUINT64_FORMAT, expected, most);
        return refuse(run, option, range, error);
    }
    *ret = v;
    return true;
}

bool filter_positions(Recorder *run, Pos *first, Pos *last, GError **error) {
    if (!filter_number(run, "first", 0, UINT64_MAX, first, error) ||
        !filter_number(run, "last", 0, UINT64_MAX, last, error))
        return false;
    return *first <= *last || refuse(run, "last", "a position that is not before first", error);
}

/* The function's size, or where it has none up to the next symbol. */
static bool find_symbol(Recorder *run, const char *name, bool later, Gva *low, Gva *high, GError **error) {
    const char *where =
        "SELECT addr FROM symbol WHERE name = ? AND kind != 'object' ORDER BY size DESC LIMIT 1";
    const char *count = "SELECT count(*) FROM symbol WHERE name = ? AND kind != 'object'";
    const char *next = "SELECT min(addr) FROM symbol WHERE addr > ? AND (addr < 0) = (?1 < 0)";
    const char *size = "SELECT max(size) FROM symbol WHERE name = ? AND addr = ?";
    if (!store_get_int(run->store, count, 0, "s", name)) {
        *low = UINT64_MAX;
        *high = 0;
        return later ||
               refuse(run, "symbol",
                      "a function of the kernel or of a --symbols file; those of --sysroot's programs "
                      "calls and regs take",
                      error);
    }
    int64_t addr = store_get_int(run->store, where, 0, "s", name);
    int64_t bytes = store_get_int(run->store, size, 0, "si", name, addr);
    int64_t end = bytes > 0 ? addr + bytes : store_get_int(run->store, next, addr + 4, "i", addr);
    *low = (Gva)addr;
    *high = (Gva)end - 1;
    return true;
}

bool filter_addresses(Recorder *run, bool later, Gva *low, Gva *high, GError **error) {
    const char *pc = recorder_setting(run, "pc"), *symbol = recorder_setting(run, "symbol"), *end;
    if (*symbol && *pc)
        return refuse(run, "symbol", "either pc or symbol", error);
    if (*symbol)
        return find_symbol(run, symbol, later, low, high, error);
    if (!*pc)
        return true;
    if (!parse(pc, &end, low))
        return refuse(run, "pc", "an address, or two with - between them", error);
    *high = *low;
    if (*end == '-' && !parse(end + 1, &end, high))
        return refuse(run, "pc", "an address, or two with - between them", error);
    return (!*end && *low <= *high) || refuse(run, "pc", "an address, or two with - between them", error);
}
