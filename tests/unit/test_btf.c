/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BTF: type information laid out here by hand, and damaged. */
#include <glib.h>

#include "analyses/symbols/btf.h"

static void put(GByteArray *a, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        g_byte_array_append(a, &byte, 1);
    }
}

static uint32_t string(GByteArray *strings, const char *text) {
    uint32_t at = strings->len;
    g_byte_array_append(strings, (const uint8_t *)text, (guint)strlen(text) + 1);
    return at;
}

static void type(GByteArray *a, uint32_t name, unsigned kind, unsigned vlen, bool flag, uint32_t size) {
    put(a, name, 4);
    put(a, (uint32_t)flag << 31 | kind << 24 | vlen, 4);
    put(a, size, 4);
}

static void member(GByteArray *a, uint32_t name, uint32_t of, uint32_t bits) {
    put(a, name, 4);
    put(a, of, 4);
    put(a, bits, 4);
}

/*
 * 1 int; 2 typedef of 3; 3 struct inner { int a; int b; }; 4 union { int left; struct inner right; };
 * 5 struct task { int first; union 4; typed last; }; 6 struct task with bit fields, hidden by 5; 7 an array;
 * 8 struct flags { int low: 3; int whole; }; 9 struct turtles { 100 times, unnamed: struct turtles; }
 */
static GByteArray *sample(void) {
    GByteArray *types = g_byte_array_new(), *strings = g_byte_array_new(), *all = g_byte_array_new();
    string(strings, "");
    uint32_t task = string(strings, "task");
    type(types, string(strings, "int"), 1, 0, false, 4);
    put(types, 32, 4);
    type(types, string(strings, "typed"), 8, 0, false, 3);
    type(types, string(strings, "inner"), 4, 2, false, 8);
    member(types, string(strings, "a"), 1, 0);
    member(types, string(strings, "b"), 1, 32);
    type(types, 0, 5, 2, false, 8);
    member(types, string(strings, "left"), 1, 0);
    member(types, string(strings, "right"), 2, 0);
    type(types, task, 4, 3, false, 24);
    member(types, string(strings, "first"), 1, 0);
    member(types, 0, 4, 64);
    member(types, string(strings, "last"), 2, 128);
    type(types, task, 4, 0, true, 0);
    type(types, 0, 3, 0, false, 0);
    put(types, 0, 8);
    put(types, 0, 4);
    type(types, string(strings, "flags"), 4, 2, true, 8);
    member(types, string(strings, "low"), 1, 3u << 24 | 8);
    member(types, string(strings, "whole"), 1, 32);
    type(types, string(strings, "turtles"), 4, 100, false, 8);
    for (unsigned i = 0; i < 100; i++)
        member(types, 0, 9, 0);
    put(all, 0xeb9f, 2);
    put(all, 1, 2);
    put(all, 24, 4);
    put(all, 0, 4);
    put(all, types->len, 4);
    put(all, types->len, 4);
    put(all, strings->len, 4);
    g_byte_array_append(all, types->data, types->len);
    g_byte_array_append(all, strings->data, strings->len);
    g_byte_array_unref(types);
    g_byte_array_unref(strings);
    return all;
}

static void expect(const Btf *b, const char *structure, const char *name, int64_t expected) {
    uint32_t offset;
    int64_t got = btf_member(b, structure, name, &offset) ? (int64_t)offset : -1;
    g_assert_cmpint(got, ==, expected);
}

static void test_members(void) {
    GByteArray *data = sample();
    Btf *b = btf_new(data->data, data->len);
    g_assert_nonnull(b);
    expect(b, "task", "first", 0);
    expect(b, "task", "left", 8);
    expect(b, "task", "right.b", 12);
    expect(b, "task", "last", 16);
    expect(b, "task", "last.a", 16);
    expect(b, "task", "la", -1);
    expect(b, "turtles", "bottom", -1); /* in no time */
    expect(b, "task", "first.a", -1);
    expect(b, "inner", "b", 4);
    expect(b, "int", "b", -1);
    expect(b, "flags", "low", -1);
    expect(b, "flags", "whole", 4);
    expect(b, "nothing", "b", -1);
    btf_free(b);
    g_byte_array_unref(data);
}

/* Whatever the bytes: an answer or none. Each prefix is a block of its own, so that reading on is noticed. */
static void test_damaged(void) {
    GByteArray *data = sample();
    for (guint n = 0; n <= data->len; n++) {
        g_autofree uint8_t *part = g_memdup2(data->data, n);
        Btf *b = n ? btf_new(part, n) : NULL;
        g_assert_true(n == data->len ? b != NULL : b == NULL);
        btf_free(b);
    }
    for (guint bit = 0; bit < 8 * data->len; bit++) {
        g_autofree uint8_t *part = g_memdup2(data->data, data->len);
        uint32_t offset;
        part[bit / 8] ^= (uint8_t)(1u << bit % 8);
        Btf *b = btf_new(part, data->len);
        if (b)
            btf_member(b, "task", "last.b", &offset);
        btf_free(b);
    }
    g_byte_array_unref(data);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/btf/members", test_members);
    g_test_add_func("/btf/damaged", test_damaged);
    return g_test_run();
}
