/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disassembler: names, syntax and aliases from the decode tables, spelled as GNU objdump spells them. A
 * syntax string has a letter for each operand (decodegen.py makes it) and punctuation:
 *
 *   d s t     x registers rd rs1 rs2        D S T R   f registers rd rs1 rs2 rs3
 *   i x u     immediate: decimal, hexadecimal, its bits 31..12
 *   p         pc + immediate                c         CSR, by name if it has one
 *   m         comma and rounding mode, nothing when dynamic
 *   P Q       fence sets                    n         round number
 *   l         Zfa constant                  z         rtz
 */
#include "tcg/riscv/translate.h"

#include <inttypes.h>

#include "core/csr.h"
#include "tcg/riscv/decode.h"

int64_t riscv_insn_arg(const InsnArgs *a, InsnArg which) {
    switch (which) {
    case ARG_rd: return a->rd;
    case ARG_rs1: return a->rs1;
    case ARG_rs2: return a->rs2;
    case ARG_rs3: return a->rs3;
    case ARG_rm: return a->rm;
    case ARG_aq: return a->aq;
    case ARG_rl: return a->rl;
    case ARG_fm: return a->fm;
    case ARG_pred: return a->pred;
    case ARG_succ: return a->succ;
    case ARG_rnum: return a->rnum;
    case ARG_csr: return a->csr;
    case ARG_imm: return a->imm;
    }
    g_assert_not_reached();
}

static bool alias_applies(const InsnAlias *alias, InsnId base, const InsnArgs *a) {
    if (alias->base != base) {
        return false;
    }
    for (unsigned i = 0; i < alias->n_tests; i++) {
        int value = alias->tests[i].value;
        int64_t expected = alias->tests[i].is_arg ? riscv_insn_arg(a, (InsnArg)value) : value;
        if (riscv_insn_arg(a, alias->tests[i].arg) != expected) {
            return false;
        }
    }
    return true;
}

static void print_csr(GString *to, unsigned csr) {
    const char *name = csr_name(csr);
    if (name) {
        g_string_append(to, name);
    } else {
        g_string_append_printf(to, "0x%x", csr);
    }
}

static void print_rm(GString *to, unsigned rm) {
    static const char *const names[] = {",rne", ",rtz", ",rdn", ",rup", ",rmm", ",unknown", ",unknown", ""};
    g_string_append(to, names[rm & 7]);
}

static void print_fence_set(GString *to, unsigned set) {
    if (!set) {
        g_string_append(to, "unknown");
    }
    for (unsigned i = 0; i < 4; i++) {
        if (set & (8u >> i)) {
            g_string_append_c(to, "iorw"[i]);
        }
    }
}

static void print_fli(GString *to, unsigned i) {
    static const char *const values[32] = {
        "-1.0",
        "min",
        "1.52587890625e-05",
        "3.0517578125e-05",
        "0.00390625",
        "0.0078125",
        "0.0625",
        "0.125",
        "0.25",
        "0.3125",
        "0.375",
        "0.4375",
        "0.5",
        "0.625",
        "0.75",
        "0.875",
        "1.0",
        "1.25",
        "1.5",
        "1.75",
        "2.0",
        "2.5",
        "3.0",
        "4.0",
        "8.0",
        "16.0",
        "128.0",
        "256.0",
        "32768.0",
        "65536.0",
        "inf",
        "nan",
    };
    g_string_append(to, values[i & 31]);
}

static void print_operand(GString *to, char letter, Gva pc, const InsnArgs *a) {
    switch (letter) {
    case 'd': g_string_append(to, hart_x_name(a->rd)); break;
    case 's': g_string_append(to, hart_x_name(a->rs1)); break;
    case 't': g_string_append(to, hart_x_name(a->rs2)); break;
    case 'D': g_string_append(to, hart_f_name(a->rd)); break;
    case 'S': g_string_append(to, hart_f_name(a->rs1)); break;
    case 'T': g_string_append(to, hart_f_name(a->rs2)); break;
    case 'R': g_string_append(to, hart_f_name(a->rs3)); break;
    case 'i': g_string_append_printf(to, "%" PRId64, a->imm); break;
    case 'x': g_string_append_printf(to, "0x%" PRIx64, (uint64_t)a->imm); break;
    case 'u': g_string_append_printf(to, "0x%" PRIx64, (uint64_t)a->imm >> 12 & 0xfffff); break;
    case 'p': g_string_append_printf(to, "0x%" PRIx64, pc + (uint64_t)a->imm); break;
    case 'n': g_string_append_printf(to, "0x%x", a->rnum); break;
    case 'c': print_csr(to, a->csr); break;
    case 'm': print_rm(to, a->rm); break;
    case 'P': print_fence_set(to, a->pred); break;
    case 'Q': print_fence_set(to, a->succ); break;
    case 'l': print_fli(to, a->rs1); break;
    case 'z': g_string_append(to, "rtz"); break;
    default: g_string_append_c(to, letter); break;
    }
}

char *riscv_disassemble(const Isa *isa, Gva pc, uint32_t insn) {
    GString *to = g_string_new(NULL);
    InsnArgs a;
    InsnId id = riscv_decode(isa, insn, &a);
    if (id == INSN_illegal) {
        bool wide = riscv_insn_length(insn) == 4;
        g_string_printf(to, wide ? ".word 0x%08x" : ".short 0x%04x", wide ? insn : insn & 0xffff);
        return g_string_free(to, FALSE);
    }
    const InsnInfo *info = &riscv_insns[riscv_insns[id].base];
    const char *name = info->name, *syntax = info->syntax;
    for (size_t i = 0; i < riscv_n_aliases; i++) {
        if (alias_applies(&riscv_aliases[i], riscv_insns[id].base, &a)) {
            name = riscv_aliases[i].name;
            syntax = riscv_aliases[i].syntax;
            break;
        }
    }
    g_string_append(to, name);
    if (a.aq || a.rl) {
        g_string_append(to, a.aq && a.rl ? ".aqrl" : a.aq ? ".aq" : ".rl");
    }
    g_string_append(to, *syntax ? " " : "");
    for (const char *s = syntax; *s; s++) {
        print_operand(to, *s, pc, &a);
    }
    return g_string_free(to, FALSE);
}
