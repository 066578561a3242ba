/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the members of a kernel's structures are, from the type information (BTF) that a Linux kernel carries in itself
 * with CONFIG_DEBUG_INFO_BTF.
 */
#ifndef ANALYSES_BTF_H
#define ANALYSES_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Btf Btf;

/* NULL unless the bytes, which may be any, are BTF. They must outlive it. */
Btf *btf_new(const uint8_t *data, size_t size);
void btf_free(Btf *b); /* NULL is allowed */
/*
 * The offset of a member in bytes: "pid" of "task_struct"; "thread.sp" goes into the structure `thread`; members of
 * unnamed structures and unions are found by their own name. False: there is no such member, or it is a bit field.
 */
bool btf_member(const Btf *b, const char *structure, const char *member, uint32_t *offset);
/* The size of a structure in bytes. False: there is none of that name. */
bool btf_size(const Btf *b, const char *structure, uint32_t *size);

#endif
