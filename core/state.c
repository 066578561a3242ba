/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/state.h"

#include <string.h>

uint64_t state_read_uint(StateReader *r, unsigned size) {
    g_assert(size >= 1 && size <= 8);
    if (r->bad || r->size - r->at < size) {
        r->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)r->data[r->at + i] << (8 * i);
    r->at += size;
    return value;
}

bool state_read_bytes(StateReader *r, void *to, size_t n) {
    if (r->bad || r->size - r->at < n) {
        r->bad = true;
        return false;
    }
    if (n)
        memcpy(to, r->data + r->at, n);
    r->at += n;
    return true;
}

void state_write_uint(GByteArray *out, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    g_assert(size >= 1 && size <= 8);
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    g_byte_array_append(out, bytes, size);
}

static uint64_t element_get(const uint8_t *at, unsigned size) {
    switch (size) {
    case 1: return *at;
    case 2: return *(const uint16_t *)at;
    case 4: return *(const uint32_t *)at;
    case 8: return *(const uint64_t *)at;
    default: g_assert_not_reached();
    }
}

static void element_set(uint8_t *at, unsigned size, uint64_t value) {
    switch (size) {
    case 1: *at = (uint8_t)value; break;
    case 2: *(uint16_t *)at = (uint16_t)value; break;
    case 4: *(uint32_t *)at = (uint32_t)value; break;
    case 8: *(uint64_t *)at = value; break;
    default: g_assert_not_reached();
    }
}

static void fields_save(const StateSection *s, GByteArray *out) {
    for (size_t i = 0; i < s->n_fields; i++) {
        const StateField *f = &s->fields[i];
        const uint8_t *at = (const uint8_t *)s->object + f->offset;
        for (uint32_t k = 0; k < f->count; k++)
            state_write_uint(out, element_get(at + (size_t)k * f->size, f->size), f->size);
    }
}

void state_section_save(const StateSection *s, GByteArray *out) {
    fields_save(s, out);
    if (s->save_extra)
        s->save_extra(s->object, out);
}

void state_section_digest(const StateSection *s, GByteArray *out) {
    fields_save(s, out);
    if (s->hash_extra)
        s->hash_extra(s->object, out);
    else if (s->save_extra)
        s->save_extra(s->object, out);
}

bool state_section_load(const StateSection *s, StateReader *r) {
    for (size_t i = 0; i < s->n_fields; i++) {
        const StateField *f = &s->fields[i];
        uint8_t *at = (uint8_t *)s->object + f->offset;
        for (uint32_t k = 0; k < f->count; k++)
            element_set(at + (size_t)k * f->size, f->size, state_read_uint(r, f->size));
    }
    if (s->load_extra && !r->bad && !s->load_extra(s->object, r))
        r->bad = true;
    return !r->bad;
}
