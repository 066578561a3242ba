/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA extensions and the CPU model: one list from which -cpu parsing, the riscv,isa string of the device
 * tree, misa, and the translators' tests derive.
 *
 *   X(field, "name as spelled in -cpu", default, in_isa_string)
 *
 * Order is the canonical order of the riscv,isa string (single letters first, then Z…, then S…).
 */
#ifndef CORE_ISA_H
#define CORE_ISA_H

#include <stdbool.h>
#include <stdint.h>

#define ISA_EXTENSIONS(X)                                                                                    \
    X(i, "i", true, true)                                                                                    \
    X(m, "m", true, true)                                                                                    \
    X(a, "a", true, true)                                                                                    \
    X(f, "f", true, true)                                                                                    \
    X(d, "d", true, true)                                                                                    \
    X(c, "c", true, true)                                                                                    \
    X(b, "b", false, true)                                                                                   \
    X(zicbom, "zicbom", true, true)                                                                          \
    X(zicbop, "zicbop", true, true)                                                                          \
    X(zicboz, "zicboz", true, true)                                                                          \
    X(zicntr, "zicntr", true, true)                                                                          \
    X(zicond, "zicond", true, true)                                                                          \
    X(zicsr, "zicsr", true, true)                                                                            \
    X(zifencei, "zifencei", true, true)                                                                      \
    X(zihintpause, "zihintpause", true, true)                                                                \
    X(zihpm, "zihpm", true, true)                                                                            \
    X(zawrs, "zawrs", true, true)                                                                            \
    X(zfa, "zfa", true, true)                                                                                \
    X(zfhmin, "zfhmin", false, true)                                                                         \
    X(zfh, "zfh", false, true)                                                                               \
    X(zcb, "zcb", false, true)                                                                               \
    X(zba, "zba", true, true)                                                                                \
    X(zbb, "zbb", true, true)                                                                                \
    X(zbc, "zbc", true, true)                                                                                \
    X(zbkb, "zbkb", false, true)                                                                             \
    X(zbkc, "zbkc", false, true)                                                                             \
    X(zbkx, "zbkx", false, true)                                                                             \
    X(zbs, "zbs", true, true)                                                                                \
    X(zknd, "zknd", false, true)                                                                             \
    X(zkne, "zkne", false, true)                                                                             \
    X(zknh, "zknh", false, true)                                                                             \
    X(sscofpmf, "sscofpmf", false, true)                                                                     \
    X(sstc, "sstc", true, true)                                                                              \
    X(svadu, "svadu", true, true)                                                                            \
    X(svinval, "svinval", true, true)                                                                        \
    X(svnapot, "svnapot", true, true)                                                                        \
    X(svpbmt, "svpbmt", true, true)

/* Non-extension switches of -cpu: paging modes and the MMU/PMP. */
#define ISA_SWITCHES(X)                                                                                      \
    X(mmu, "mmu", true)                                                                                      \
    X(pmp, "pmp", true)                                                                                      \
    X(s, "s", true)                                                                                          \
    X(u, "u", true)                                                                                          \
    X(sv39, "sv39", true)                                                                                    \
    X(sv48, "sv48", true)                                                                                    \
    X(sv57, "sv57", true)

/*
 * Names whose "on" switches others on: X(name, "name", "others"). Those of the second list are no extensions
 * themselves. */
#define ISA_GROUPS(X) X(b, "b", "zba zbb zbs")
#define ISA_SHORTHANDS(X) X(zkn, "zkn", "zbkb zbkc zbkx zknd zkne zknh")

typedef struct Isa {
#define X(field, ...) bool field;
    ISA_EXTENSIONS(X)
    ISA_SWITCHES(X)
#undef X
} Isa;

/* The default -cpu rv64. */
void isa_init_default(Isa *isa);
/*
 * A -cpu model by name: "rv64", or a profile's mandatory extensions and nothing else, "rva22u64" and "rva22s64" (RISC-V
 * Profiles 1.0). False for an unknown name (isa untouched).
 */
bool isa_init_model(Isa *isa, const char *name);
/* One "name=on|off|true|false" property. False when the name or the value is unknown (isa untouched). */
bool isa_set_property(Isa *isa, const char *name, const char *value);
/* Comma-separated list of the names that isa_set_property() knows. Static storage. */
const char *isa_property_names(void);
/* The riscv,isa string ("rv64imafdc_zicbom_…"); caller frees with g_free. */
char *isa_string(const Isa *isa);
/* The misa CSR's reset value (MXL = 2). */
uint64_t isa_misa(const Isa *isa);

#endif
