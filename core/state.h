/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine state as tables. Every struct whose contents the guest can observe, now or later, declares its
 * fields by an X-macro from which both the struct's members and this table are made, so a field cannot exist
 * without being saved, hashed, and covered by the test that flips one bit of each.
 *
 *     #define UART_FIELDS(F, A) F(uint8_t, lcr) A(uint8_t, rx_fifo, 16)
 *     typedef struct { UART_FIELDS(STATE_MEMBER, STATE_MEMBER_ARRAY)  … non-state … } Uart;
 *     static const StateField uart_fields[] = { UART_FIELDS(STATE_ENTRY(Uart), …) };
 *
 * Because a macro cannot take the struct's name through two levels prettily, define STATE_OF to the struct's
 * name before expanding STATE_FIELD_ENTRY:
 *
 *     #define STATE_OF Uart
 *     static const StateField uart_fields[] = {UART_FIELDS(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
 *     #undef STATE_OF
 *
 * All state is integers of 1, 2, 4 or 8 bytes, saved little-endian, so that nothing depends on the host.
 * Variable-size state (queues in flight, RAM, overlays) is a section with custom functions.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <glib.h>
#include "core/types.h"

typedef struct StateField {
    const char *name;
    uint32_t offset;
    uint16_t size; /* bytes of one element: 1, 2, 4 or 8 */
    uint32_t count;
} StateField;

#define STATE_MEMBER(type, name) type name;
#define STATE_MEMBER_ARRAY(type, name, count) type name[count];
#define STATE_FIELD_ENTRY(type, field) {#field, offsetof(STATE_OF, field), sizeof(type), 1},
#define STATE_ARRAY_ENTRY(type, field, count) {#field, offsetof(STATE_OF, field), sizeof(type), count},

/* A little-endian reader over a saved state; sets `bad` instead of reading past the end. */
typedef struct StateReader {
    const uint8_t *data;
    size_t size, at;
    bool bad;
} StateReader;

uint64_t state_read_uint(StateReader *r, unsigned size); /* 0 once bad */
bool state_read_bytes(StateReader *r, void *to, size_t n);
void state_write_uint(GByteArray *out, uint64_t value, unsigned size);

/*
 * One section: an object and its table, plus optionally what no table can hold.
 * save_extra appends bytes (must be a pure function of the guest-visible state: no pointers, no hash order);
 * load_extra reads exactly what save_extra wrote, false on malformed input. loaded, if set, runs after the
 * section was restored (recompute caches).
 */
typedef struct StateSection {
    const char *name; /* "hart0", "uart0", … unique */
    void *object;
    const StateField *fields;
    size_t n_fields;
    void (*save_extra)(const void *object, GByteArray *out);
    bool (*load_extra)(void *object, StateReader *r);
    void (*loaded)(void *object);
    /* Optional, for what is large: appends a digest of the bytes that save_extra would append. */
    void (*hash_extra)(const void *object, GByteArray *out);
} StateSection;

void state_section_save(const StateSection *s, GByteArray *out);
/* What the state hash covers: the saved bytes, with hash_extra's digest in place of save_extra's where there is one. */
void state_section_digest(const StateSection *s, GByteArray *out);
bool state_section_load(const StateSection *s, StateReader *r);

#endif
