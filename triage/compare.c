/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "triage/compare.h"

#include <string.h>

#include "triage/diff.h"

static void add_value(GArray *values, char *name, uint64_t a, uint64_t b) {
    if (values->len < DIFF_MAX_VALUES)
        g_array_append_val(values, ((DiffValue){.name = name, .a = a, .b = b}));
    else
        g_free(name);
}

static uint64_t field_value(const void *object, const StateField *f, uint32_t i) {
    uint64_t value = 0;
    const uint8_t *at = (const uint8_t *)object + f->offset + (size_t)i * f->size;
    switch (f->size) {
    case 1: return *at;
    case 2: value = *(const uint16_t *)(const void *)at; break;
    case 4: value = *(const uint32_t *)(const void *)at; break;
    default: value = *(const uint64_t *)(const void *)at;
    }
    return value;
}

/* "hart0 a0" for hart registers, "uart0 lcr" otherwise. */
static char *field_name(const StateSection *s, const StateField *f, uint32_t i) {
    bool hart = g_str_has_prefix(s->name, "hart");
    if (hart && !strcmp(f->name, "x"))
        return g_strdup_printf("%s %s", s->name, hart_x_name(i));
    if (hart && !strcmp(f->name, "f"))
        return g_strdup_printf("%s %s", s->name, hart_f_name(i));
    return f->count > 1 ? g_strdup_printf("%s %s[%u]", s->name, f->name, i)
                        : g_strdup_printf("%s %s", s->name, f->name);
}

static void compare_section(const StateSection *a, const StateSection *b, GArray *values) {
    for (size_t k = 0; k < a->n_fields; k++)
        for (uint32_t i = 0; i < a->fields[k].count; i++) {
            uint64_t x = field_value(a->object, &a->fields[k], i),
                     y = field_value(b->object, &b->fields[k], i);
            if (x != y)
                add_value(values, field_name(a, &a->fields[k], i), x, y);
        }
    if (!a->save_extra)
        return;
    g_autoptr(GByteArray) x = g_byte_array_new(), y = g_byte_array_new();
    a->save_extra(a->object, x);
    b->save_extra(b->object, y);
    guint i = 0;
    while (i < MIN(x->len, y->len) && x->data[i] == y->data[i])
        i++;
    if (i < MIN(x->len, y->len))
        add_value(values, g_strdup_printf("%s queued byte %u", a->name, i), x->data[i], y->data[i]);
    else if (x->len != y->len)
        add_value(values, g_strdup_printf("%s queued bytes", a->name), x->len, y->len);
}

static uint64_t compare_page(Machine *a, Machine *b, uint32_t page, GArray *values) {
    const uint8_t *x = machine_page_host(a, page), *y = machine_page_host(b, page);
    uint64_t n = 0;
    for (uint64_t i = 0; i < PAGE_SIZE; i++) {
        if (x[i] == y[i])
            continue;
        n++;
        add_value(values,
                  g_strdup_printf("memory 0x%" G_GINT64_MODIFIER "x", machine_page_address(a, page) + i),
                  x[i], y[i]);
    }
    return n;
}

uint64_t compare_machines(Machine *a, Machine *b, GArray *values) {
    machine_state_hash(a);
    machine_state_hash(b);
    for (guint i = 0; i < a->sections->len; i++)
        compare_section(&g_array_index(a->sections, StateSection, i),
                        &g_array_index(b->sections, StateSection, i), values);
    uint64_t n = 0;
    for (uint32_t page = 0; page < a->n_pages; page++)
        if (a->page_hash[page] != b->page_hash[page])
            n += compare_page(a, b, page, values);
    return n;
}
