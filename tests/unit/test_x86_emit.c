/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The x86-64 assembler against a disassembler, and the memory that code lives in. */
#include <inttypes.h>
#include <string.h>
#include "tcg/x86_64/compiler.h"

static const char *const names64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static void expect_text(const uint8_t *code, Emit *e, const char *want) {
    g_autoptr(GString) text = g_string_new(NULL);
    x86_disassemble(text, code, (size_t)(e->p - code));
    char *got = strstr(g_strchug(text->str), "  ");
    g_assert_nonnull(got);
    g_assert_cmpstr(g_strstrip(got), ==, want);
    e->p = (uint8_t *)code;
}

static char *number(int64_t v) {
    return g_strdup_printf(v > 9 ? "0x%" PRIx64 : "%" PRId64, v);
}

static char *memory_text(Rm rm) {
    GString *s = g_string_new(NULL);
    g_string_append_printf(s, "[%s", names64[rm.base]);
    if (rm.index >= 0) {
        g_string_append_printf(s, " + %s", names64[rm.index]);
        if (rm.scale) {
            g_string_append_printf(s, "*%u", 1u << rm.scale);
        }
    }
    if (rm.disp) {
        g_autofree char *n = number(rm.disp < 0 ? -(int64_t)rm.disp : rm.disp);
        g_string_append_printf(s, " %c %s", rm.disp < 0 ? '-' : '+', n);
    }
    g_string_append_c(s, ']');
    return g_string_free(s, FALSE);
}

static void test_memory_operands(void) {
    static const int32_t disps[] = {0, 1, 127, 128, -128, -129, 0x12345678, -0x12345678};
    uint8_t code[32];
    Emit e = {code};
    for (HostReg base = 0; base < HOST_REGS; base++) {
        for (HostReg index = REG_NONE; index < HOST_REGS; index++) {
            for (unsigned i = 0; i < G_N_ELEMENTS(disps) && index != RSP; i++) {
                Rm rm = index == REG_NONE ? rm_mem(base, disps[i]) : rm_sib(base, index, i & 3, disps[i]);
                HostReg r = (base + i) % HOST_REGS;
                g_autofree char *memory = memory_text(rm);
                g_autofree char *want = g_strdup_printf("mov %s, qword ptr %s", names64[r], memory);
                emit_load(&e, r, rm);
                expect_text(code, &e, want);
            }
        }
    }
}

static void test_instructions(void) {
    uint8_t code[64];
    Emit e = {code};
#define EXPECT(emit, text)                                                                                   \
    emit;                                                                                                    \
    expect_text(code, &e, text)
    EXPECT(emit_mov32(&e, RAX, R9), "mov eax, r9d");
    EXPECT(emit_imm(&e, R9, 0), "xor r9d, r9d");
    EXPECT(emit_imm(&e, R9, 1), "mov r9d, 1");
    EXPECT(emit_imm(&e, RCX, UINT64_MAX), "mov rcx, -1");
    EXPECT(emit_imm(&e, R12, 0x123456789a), "movabs r12, 0x123456789a");
    EXPECT(emit_alu_imm(&e, W, ALU_ADD, rm_reg(R15), -1), "add r15, -1");
    EXPECT(emit_alu_imm(&e, 0, ALU_AND, rm_reg(RSI), 0x1fe0), "and esi, 0x1fe0");
    EXPECT(emit_alu_imm(&e, W, ALU_CMP, rm_reg(RBX), 0), "test rbx, rbx");
    EXPECT(emit_alu_imm(&e, 0, ALU_CMP, rm_mem(RBP, 8), 0), "cmp dword ptr [rbp + 8], 0");
    EXPECT(emit_alu8_imm(&e, ALU_CMP, rm_mem(RBP, 8), 4), "cmp byte ptr [rbp + 8], 4");
    EXPECT(emit_shift_imm(&e, W, SH_SAR, R10, 63), "sar r10, 0x3f");
    EXPECT(emit_shift_cl(&e, 0, SH_ROR, RDI), "ror edi, cl");
    EXPECT(emit_unary(&e, W, UN_IDIV, rm_reg(R8)), "idiv r8");
    EXPECT(emit_store_size(&e, 0, rm_mem(RAX, 0), RDI), "mov byte ptr [rax], dil");
    EXPECT(emit_store_size(&e, 0, rm_mem(RAX, 0), RBX), "mov byte ptr [rax], bl");
    EXPECT(emit_store_size(&e, 1, rm_mem(RAX, 0), R8), "mov word ptr [rax], r8w");
    EXPECT(emit_store_imm(&e, 0, rm_mem(R13, 0), 7), "mov byte ptr [r13], 7");
    EXPECT(emit_store_imm(&e, 1, rm_mem(RAX, 0), 0x1234), "mov word ptr [rax], 0x1234");
    EXPECT(emit_store_imm(&e, 3, rm_mem(RAX, 0), -1), "mov qword ptr [rax], -1");
    EXPECT(emit_load_size(&e, 0, false, RCX, rm_reg(RSI)), "movzx ecx, sil");
    EXPECT(emit_load_size(&e, 0, true, R9, rm_reg(RDX)), "movsx r9, dl");
    EXPECT(emit_load_size(&e, 1, true, RCX, rm_mem(RSP, 0)), "movsx rcx, word ptr [rsp]");
    EXPECT(emit_load_size(&e, 2, true, RCX, rm_reg(R11)), "movsxd rcx, r11d");
    EXPECT(emit_setcc(&e, CC_B, RSI), "setb sil");
    EXPECT(emit_cmov(&e, CC_GE, R14, rm_reg(RAX)), "cmovge r14, rax");
    EXPECT(emit_vex(&e, V_ANDN | W, R9, R10, rm_reg(R11)), "andn r9, r10, r11");
    EXPECT(emit_vex(&e, V_ANDN | W, RAX, RBX, rm_sib(R12, R13, 3, 4)),
           "andn rax, rbx, qword ptr [r12 + r13*8 + 4]");
    EXPECT(emit_vex(&e, V_SHLX | W, RAX, RCX, rm_reg(RDX)), "shlx rax, rdx, rcx");
    EXPECT(emit_vex(&e, V_SHRX, R8, RCX, rm_mem(RBP, 0)), "shrx r8d, dword ptr [rbp], ecx");
    EXPECT(emit_vex(&e, V_SARX | W, RAX, R15, rm_reg(R9)), "sarx rax, r9, r15");
    EXPECT((emit_vex(&e, V_RORX | W, RAX, 0, rm_reg(R9)), emit_u8(&e, 5)), "rorx rax, r9, 5");
    EXPECT(emit_rr(&e, O_LZCNT | W, RAX, R9), "lzcnt rax, r9");
    EXPECT(emit_rr(&e, O_TZCNT, R9, RAX), "tzcnt r9d, eax");
    EXPECT(emit_rr(&e, O_POPCNT | W, RAX, RAX), "popcnt rax, rax");
    EXPECT(emit_rr(&e, O_IMUL | W, RAX, R9), "imul rax, r9");
    EXPECT(emit_bswap(&e, R9), "bswap r9");
    EXPECT(emit_push(&e, R12), "push r12");
    EXPECT(emit_pop(&e, RBX), "pop rbx");
    EXPECT(emit_push_imm(&e, 0x12345), "push 0x12345");
    EXPECT(emit_ret(&e, 8), "ret 8");
    EXPECT(emit_cqo(&e, W), "cqo");
    EXPECT(emit_cqo(&e, 0), "cdq");
    EXPECT(emit_jmp_rm(&e, rm_mem(R12, 16)), "jmp qword ptr [r12 + 0x10]");
    EXPECT(emit_call_rm(&e, rm_reg(RAX)), "call rax");
#undef EXPECT
}

/* Where the host refuses writable code: written at one address, run at another. */
static void test_mapped_twice(void) {
    CodeBuffer buffer;
    bool mapped = code_buffer_init_twice(&buffer, 1u << 20);
    g_assert_true(mapped);
    g_assert_cmpint(buffer.write_delta, !=, 0);
    Emit e = {buffer.base + buffer.write_delta};
    emit_imm(&e, RAX, 42);
    emit_ret(&e, 0);
    int (*fn)(void) = (int (*)(void))(uintptr_t)buffer.base;
    g_assert_cmpint(fn(), ==, 42);
    code_buffer_done(&buffer);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/x86/emit/memory", test_memory_operands);
    g_test_add_func("/x86/emit/instructions", test_instructions);
    g_test_add_func("/x86/emit/mapped-twice", test_mapped_twice);
    return g_test_run();
}
