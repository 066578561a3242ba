/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random page tables of Sv39, Sv48 and Sv57 and accesses through them: loads, stores, atomics and fetches, from S and U
 * mode and from M mode with MPRV, some across a page boundary. Compared: what trapped with which address, what was
 * read, and the table entries afterwards (A and D).
 *
 * Two adjacent pages at `va` are mapped by one chain of tables. The code of S and U mode is in CODE, which a gigapage at
 * its own address maps (S), and another one a gigabyte above (U). The test area is elsewhere in the address space.
 */
#include "guest.h"

#define SCENARIOS 400
#define ACCESSES 6
#define GIB (1ul << 30)
#define TABLE(n) (TABLE_BASE + 4096ul * (n)) /* 0: root; 1, 2: code's; 3 on: the test's chain */
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128 };
#define PTE_PBMT(n) ((uint64_t)(n) << 61)
#define PTE_N (1ul << 63)
#define ADUE (1ul << 61)
#define PBMTE (1ul << 62)

/* One access by x11 and a closing call; results in x15. */
static const uint32_t accesses[] = {
    0x0005b783, /* ld x15, 0(x11) */
    0x00058783, /* lb */
    0x0005d783, /* lhu */
    0x0005a783, /* lw */
    0x00e5b023, /* sd x14, 0(x11) */
    0x00e58023, /* sb */
    0x00e5a023, /* sw */
    0x08e5b7af, /* amoswap.d x15, x14, (x11) */
    0x1005a7af, /* lr.w x15, (x11) */
    0x000580e7, /* jalr x1, 0(x11) */
    0x0045a00f, /* cbo.zero (x11) */
    0x0015a00f, /* cbo.clean (x11) */
};
#define N_ACCESSES (sizeof accesses / sizeof accesses[0])
enum { ACCESS_STORE = 4, ACCESS_AMO = 7, ACCESS_LR = 8, ACCESS_FETCH = 9, ACCESS_CBO_ZERO = 10 };

static Context context;
static unsigned levels;      /* 3, 4 or 5 */
static uint64_t va;          /* of the first page */
static uint64_t chain[5][2]; /* addresses of the entries that were written, by depth: for the first and second page */
static unsigned n_chain;
static bool frame_is_odd; /* a leaf may lead nowhere */

static void put_pte(uint64_t at, uint64_t pte) { write64(at, pte); }
static uint64_t table_pte(uint64_t table) { return table >> 12 << 10 | PTE_V; }

static void make_code(void) {
    for (unsigned i = 0; i < N_ACCESSES; i++) {
        write32(CODE_BASE + i * 8, accesses[i]);
        write32(CODE_BASE + i * 8 + 4, 0x73);
    }
    __asm__ volatile("fence.i" ::: "memory");
}

/* The gigapages for the code, at any depth of tables. */
static void map_code(void) {
    uint64_t table = TABLE(0);

    for (unsigned i = 0; i < 3; i++)
        memset_words(TABLE(i), 4096);
    for (unsigned level = levels; level > 3; level--) {
        uint64_t next = TABLE(levels - level + 1);
        put_pte(table, table_pte(next));
        table = next;
    }
    uint64_t leaf = 0x80000000ul >> 12 << 10 | PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
    put_pte(table + 2 * 8, leaf);
    put_pte(table + 3 * 8, leaf | PTE_U);
}

static uint64_t random_flags(void) {
    static const uint16_t usual[] = {
        PTE_R, PTE_R | PTE_W, PTE_X, PTE_R | PTE_X, PTE_R | PTE_W | PTE_X, PTE_W, PTE_W | PTE_X,
    };
    uint64_t flags = usual[one_in(6) ? 5 + below(2) : below(5)];

    flags |= one_in(2) ? PTE_U : 0;
    flags |= one_in(8) ? PTE_G : 0;
    flags |= one_in(4) ? 0 : PTE_A;
    flags |= one_in(3) ? 0 : PTE_D;
    flags |= one_in(16) ? 0 : PTE_V;
    flags |= (uint64_t)below(4) << 8;
    if (one_in(8))
        flags |= PTE_PBMT(below(4));
    return one_in(24) ? flags | 1ul << (54 + below(7)) : flags;
}

/* The number of a page that a leaf of so many pages may name: its frame, sometimes not aligned or nowhere. */
static uint64_t random_frame(unsigned level, uint64_t where) {
    uint64_t frame = where >> 12, align = 1ul << 9 * level;

    if (level && !one_in(8))
        frame &= ~(align - 1);
    if (one_in(24)) {
        frame ^= 1ul << (28 + below(16)); /* beyond all that either machine has */
        frame_is_odd = true;
    }
    return frame;
}

static uint64_t leaf_pte(unsigned level, uint64_t where) {
    uint64_t pte = random_flags(), frame = random_frame(level, where);

    if (level == 0 && one_in(6)) {
        pte |= PTE_N;
        frame = one_in(4) ? frame ^ 1ul << below(5) : (frame & ~15ul) | 8;
    } else if (one_in(40)) {
        pte |= PTE_N;
    }
    /* QEMU sets A and D in an entry that is reserved for its N. */
    if (pte & PTE_N && (level || (frame & 15) != 8))
        pte |= PTE_A | PTE_D;
    return pte | (frame & ((1ul << 44) - 1)) << 10;
}

/* A pointer, hardly ever with bits that must be zero. */
static uint64_t pointer_pte(uint64_t table) {
    uint64_t pte = table_pte(table);

    if (one_in(40))
        pte ^= 1ul << (one_in(2) ? below(8) : 54 + below(10));
    return pte;
}

/* Where in data the pages lead if frames are good. The VA's low bits choose it in a superpage. */
static void map_test(void) {
    unsigned leaf_level = one_in(2) ? 0 : below(levels < 4 ? 3 : 4);
    uint64_t table = TABLE(0), target = DATA_BASE + (below(3) << 12);
    unsigned root_slot = levels == 3 ? 4 + below(508) : 1 + below(511);

    /* bits below the leaf's size are the target's, those above random */
    uint64_t within = (1ul << (12 + 9 * leaf_level)) - 1;
    va = (random64() & ~within) | (target & within & ~0xffful);
    va &= (1ul << (3 + 9 * levels)) - 1;
    va |= (uint64_t)root_slot << (3 + 9 * levels);
    if (leaf_level == 0 && one_in(4))
        va |= 0x1ff000; /* the second page is in another table: not mapped */
    va = (uint64_t)((int64_t)(va << (52 - 9 * levels)) >> (52 - 9 * levels));
    n_chain = 0;
    frame_is_odd = false;
    for (unsigned level = levels - 1;; level--) {
        uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8;
        bool leaf = level == leaf_level;
        chain[n_chain][0] = at;
        chain[n_chain][1] = leaf && level == 0 && (at & 0xff8) != 0xff8 ? at + 8 : 0;
        uint64_t next = TABLE(3 + n_chain);
        put_pte(at, leaf ? leaf_pte(level, target) : pointer_pte(next));
        if (chain[n_chain][1])
            put_pte(at + 8, leaf_pte(0, target + (one_in(2) ? 4096 : 8192)));
        n_chain++;
        if (leaf)
            return;
        table = next;
    }
}

static void unmap_test(void) {
    for (unsigned i = 0; i < n_chain; i++)
        for (unsigned k = 0; k < 2; k++)
            if (chain[i][k])
                put_pte(chain[i][k], 0);
}

static uint64_t random_address(unsigned access) {
    static const uint8_t near_end[] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t offset = one_in(3) ? 4096u - near_end[below(8)] : below(4096);

    if (access == ACCESS_AMO || access == ACCESS_LR)
        offset &= ~7ul;
    if (access == ACCESS_FETCH)
        offset = (offset & ~1ul);
    if (one_in(4) && chain[n_chain - 1][1])
        offset += 4096;
    uint64_t at = va + offset;
    if (one_in(32))
        at ^= 1ul << (38 + below(26)); /* not canonical, mostly */
    return at;
}

/*
 * QEMU's AMO begins with a load: where that is allowed and the store is not, it sets A, and with nothing behind the page
 * it ends in an access fault. By the specification (§14.4, §4.3.2) there is a store page fault and no more.
 */
static bool amo_is_loose(void) {
    bool loose = frame_is_odd;

    for (unsigned k = 0; k < 2; k++)
        if (chain[n_chain - 1][k])
            loose |= !(read64(chain[n_chain - 1][k]) & (PTE_W | PTE_A));
    return loose;
}

static void do_access(void) {
    unsigned access = below(N_ACCESSES), from = below(3);
    static const uint8_t modes[] = {PRIV_U, PRIV_S, PRIV_M};
    unsigned priv = modes[from];
    if (access == ACCESS_AMO && amo_is_loose())
        access = ACCESS_STORE;
    uint64_t code = CODE_BASE + access * 8;

    context.status = (uint64_t)priv << STATUS_MPP_SHIFT | STATUS_SUM * below(2) | STATUS_MXR * below(2);
    if (priv == PRIV_M) {
        if (access == ACCESS_FETCH)
            access = 0, code = CODE_BASE;
        context.status |= STATUS_MPRV; /* with MPP U after mret */
    }
    if (priv == PRIV_U)
        code += GIB;
    context.pc = code;
    context.x[1] = context.x[15] = 0;
    context.x[11] = random_address(access);
    /* QEMU does the first part of a store whose second part has nothing behind it. */
    if (frame_is_odd && access >= ACCESS_STORE && access <= ACCESS_STORE + 2 && (context.x[11] & 0xfff) > 0xff8)
        context.x[11] -= 8;
    context.x[14] = harmless_code();
    context.vector = 0;
    if (params.verbose)
        print("begin access=%d priv=%d status=%x at=%x\n", (uint64_t)access, (uint64_t)priv, context.status, context.x[11]);
    context_count(&context);
    uint64_t epc = context.pc == code + 4 ? 1 : context.pc == code ? 0 : context.pc - context.x[11];
    fold(context.cause);
    if (context.cause != CAUSE_BREAKPOINT) /* QEMU's is the first address at which it saw that ebreak */
        fold(context.tval);
    fold(epc);
    fold(context.x[15]);
    if (params.verbose)
        print("end cause=%x tval=%x epc=%x x15=%x\n", context.cause, context.tval, epc, context.x[15]);
    for (unsigned i = 0; i < n_chain; i++)
        for (unsigned k = 0; k < 2; k++)
            if (chain[i][k]) {
                fold(read64(chain[i][k]));
                if (params.verbose)
                    print("pte %x = %x\n", chain[i][k], read64(chain[i][k]));
            }
}

/*
 * Data that says where it was read, and does no harm as code: three c.li x15 and a c.ebreak every eight bytes; at the end
 * of a page the first half of an addi x0, whatever follows.
 */
static void init_data(void) {
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8) {
        uint64_t word = 0x9002ul << 48;
        for (unsigned i = 0; i < 3; i++) {
            unsigned tag = (at - DATA_BASE) >> (3 + 5 * i) & 31;
            word |= (0x4781ul | tag << 2) << (16 * i);
        }
        write64(at, (at & 0xfff) == 0xff8 ? (word & ~(0xfffful << 48)) | 0x0013ul << 48 : word);
    }
}

static void fold_data(void) {
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        fold(read64(at));
}

static void scenario(void) {
    init_data();
    __asm__ volatile("fence.i" ::: "memory");
    levels = 3 + below(3);
    map_code();
    map_test();
    csr_write(menvcfg, (one_in(2) ? ADUE : 0) | (one_in(2) ? PBMTE : 0) | 0xf0);
    csr_write(senvcfg, 0xf0);
    csr_write(satp, (uint64_t)(levels + 5) << 60 | TABLE(0) >> 12 | (uint64_t)below(4) << 44);
    __asm__ volatile("sfence.vma" ::: "memory");
    if (params.verbose)
        print("begin levels=%d va=%x menvcfg=%x depth=%d\n", (uint64_t)levels, va, csr_read(menvcfg), (uint64_t)n_chain);
    for (unsigned i = 0; i < ACCESSES; i++)
        do_access();
    fold_data();
    csr_write(satp, 0);
    unmap_test();
    __asm__ volatile("sfence.vma" ::: "memory");
}

void paging_batch(void) {
    uint64_t seed = random64();

    make_code();
    pmp_open();
    init_data();
    for (unsigned i = 0; i < 8; i++)
        memset_words(TABLE(i), 4096);
    for (uint64_t i = 0; i < SCENARIOS; i++) {
        if (params.only && params.only != i + 1)
            continue;
        random_seed(seed + i);
        scenario();
        if (params.verbose)
            print("scenario %d %x\n", i, hash);
    }
}
