/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel symbols: images laid out here as kernels of both ages are, and damaged ones. */
#include <string.h>

#include "analyses/symbols/kallsyms.h"
#include "analyses/store/store.h"

#define N 600u
#define BASE 0xffffffff80000000u
#define PREFIX 5000u /* bytes before the tables */

static void put(GByteArray *a, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        g_byte_array_append(a, &byte, 1);
    }
}

static void align(GByteArray *a) {
    while (a->len % 8)
        put(a, 0, 1);
}

/* Token 0 is a long one, 'A' + i one letter for i < 58 beyond; the rest are fillers. */
static const char *token_text(unsigned i) {
    static char text[16];
    if (i == 0)
        return "symbol_";
    g_snprintf(text, sizeof text, i < 58 ? "%c" : "x%u", i < 58 ? (int)('A' + i) : (int)i);
    return text;
}

static uint8_t letter(char c) {
    return (uint8_t)(c - 'A');
}

/* Symbol i is called symbol_ and the digits of i as letters; every tenth has its address from the one before. */
static char *name_of(unsigned i) {
    return g_strdup_printf("symbol_%c%c%c", 'a' + i / 100, 'a' + i / 10 % 10, 'a' + i % 10);
}
static uint64_t offset_of(unsigned i) {
    return 64 * (i - (i % 10 == 9));
}
static char type_of(unsigned i) {
    return i % 3 == 0 ? 'T' : i % 3 == 1 ? 't' : 'd';
}

static void put_names(GByteArray *a, GArray *markers) {
    uint32_t start = a->len;
    for (unsigned i = 0; i < N; i++) {
        uint32_t marker = a->len - start;
        g_autofree char *name = name_of(i);
        if (i % 256 == 0)
            g_array_append_val(markers, marker);
        if (i == 77) { /* a long one: two bytes of length */
            put(a, 0x80 | (200 & 0x7f), 1);
            put(a, 200 >> 7, 1);
            put(a, letter('d'), 1);
            for (unsigned k = 1; k < 200; k++)
                put(a, letter('z'), 1);
            continue;
        }
        put(a, 5, 1);
        put(a, letter(type_of(i)), 1);
        put(a, 0, 1);
        for (unsigned k = 7; k < 10; k++)
            put(a, letter(name[k]), 1);
    }
    align(a);
}

static void put_offsets(GByteArray *a, uint64_t base) {
    for (unsigned i = 0; i < N; i++)
        put(a, offset_of(i), 4);
    align(a);
    put(a, base, 8);
}

static void put_tokens(GByteArray *a) {
    uint32_t index[256], start = a->len;
    for (unsigned i = 0; i < 256; i++) {
        const char *text = token_text(i);
        index[i] = a->len - start;
        g_byte_array_append(a, (const uint8_t *)text, (guint)strlen(text) + 1);
    }
    align(a);
    for (unsigned i = 0; i < 256; i++)
        put(a, index[i], 2);
}

static GByteArray *image_new(bool old, uint64_t base) {
    GByteArray *a = g_byte_array_new();
    g_autoptr(GArray) markers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (unsigned i = 0; i < PREFIX; i++)
        put(a, i * 7, 1);
    align(a);
    if (old)
        put_offsets(a, base);
    put(a, N, 8);
    put_names(a, markers);
    for (guint i = 0; i < markers->len; i++)
        put(a, g_array_index(markers, uint32_t, i), 4);
    align(a);
    if (old)
        for (unsigned i = 0; i < 3 * N; i++) /* seqs_of_names */
            put(a, i, 1);
    align(a);
    put_tokens(a);
    if (!old)
        put_offsets(a, base);
    for (unsigned i = 0; i < 1000; i++)
        put(a, i, 1);
    return a;
}

static void check_image(bool old, uint64_t base) {
    g_autoptr(GByteArray) a = image_new(old, base);
    KernelSymbols *symbols = kallsyms_read(a->data, a->len);
    g_assert_nonnull(symbols);
    g_assert_cmpuint(symbols->n, ==, N);
    for (unsigned i = 0; i < N; i++) {
        const KernelSymbol *s = &symbols->symbol[i];
        g_autofree char *name = i == 77 ? g_strnfill(199, 'z') : name_of(i);
        g_assert_cmpstr(symbols->text + s->name, ==, name);
        g_assert_cmphex(s->addr, ==, BASE + offset_of(i));
        g_assert_cmpint(s->type, ==, i == 77 ? 'd' : type_of(i));
        g_assert_cmpuint(s->size, ==, i >= N - 2 ? 0 : i % 10 >= 8 ? 128 : 64);
    }
    kallsyms_free(symbols);
}

static void test_layouts(void) {
    check_image(false, BASE);
    check_image(true, BASE);
    check_image(false, 0); /* not relocated yet */
}

static void test_damaged(void) {
    g_autoptr(GByteArray) a = image_new(false, BASE);
    GRand *rand = g_rand_new_with_seed(3);
    for (unsigned i = 0; i < 300; i++) {
        g_autofree uint8_t *copy = g_memdup2(a->data, a->len);
        gsize size = i % 4 ? a->len : (gsize)g_rand_int_range(rand, 0, (gint32)a->len);
        for (unsigned k = 0; k < 6; k++)
            copy[g_rand_int_range(rand, PREFIX, (gint32)a->len)] = (uint8_t)g_rand_int(rand);
        g_autofree uint8_t *exact = g_memdup2(copy, size); /* reads behind it are seen by the sanitizer */
        kallsyms_free(kallsyms_read(exact, size));
    }
    g_assert_null(kallsyms_read(a->data, 0));
    g_rand_free(rand);
}

static void test_store(void) {
    g_autoptr(GByteArray) a = image_new(false, BASE);
    GError *error = NULL;
    Store *s;
    g_assert_true(store_open(NULL, &s, &error));
    g_assert_true(store_add_kallsyms(s, "Image", "/boot/Image", a->data, a->len, &error));
    g_assert_true(store_add_kallsyms(s, "other", NULL, a->data, 100, &error));
    g_assert_cmpint(store_get_int(s, "SELECT count(*) FROM module", 0, ""), ==, 1);
    g_assert_cmpint(store_get_int(s, "SELECT count(*) FROM symbol", 0, ""), ==, N);
    g_assert_cmpint(store_get_int(s, "SELECT sym(0xffffffff80000041) = 'symbol_aab+0x1'", 0, ""), ==, 1);
    g_assert_cmpint(
        store_get_int(s, "SELECT count(*) FROM symbol WHERE kind = 'func' AND name = 'symbol_aab'", 0, ""),
        ==, 1);
    store_close(s);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kallsyms/layouts", test_layouts);
    g_test_add_func("/kallsyms/damaged", test_damaged);
    g_test_add_func("/kallsyms/store", test_store);
    return g_test_run();
}
