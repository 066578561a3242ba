/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random PMP entries round a few pages of DATA, and accesses of every size at their edges, from M, S and U mode, from M
 * mode with MPRV, with and without translation; fetches; page tables that PMP hides. At the end entries are locked one
 * by one, which M mode then feels too (there is no way back but a reset, so that is the last batch).
 *
 * Entries 12 to 15 are set so that the code that makes the accesses runs and, mostly, what no entry matches is allowed.
 */
#include "guest.h"

#define SCENARIOS 300
#define ACCESSES 12
#define N_RANDOM 12 /* entries that are random */
#define AREA 0x3000ul
#define TABLE(n) (TABLE_BASE + 4096ul * (n))
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_TOR = 1 << 3, PMP_NA4 = 2 << 3, PMP_NAPOT = 3 << 3, PMP_L = 0x80 };

static const uint32_t accesses[] = {
    0x00058783, 0x0005d783, 0x0005a783, 0x0005b783, /* lb lhu lw ld x15, (x11) */
    0x00e58023, 0x00e59023, 0x00e5a023, 0x00e5b023, /* sb sh sw sd x14, (x11) */
    0x08e5a7af, 0x08e5b7af, 0x1005a7af, 0x1005b7af, /* amoswap.w/d, lr.w/d */
    0x000580e7,                                     /* jalr x1, 0(x11) */
};
#define N_ACCESSES (sizeof accesses / sizeof accesses[0])
enum { ACCESS_STORE = 4, ACCESS_AMO = 8, ACCESS_FETCH = 12 };

static Context context;
static uint8_t config[16];
static uint64_t address[16];

static void write_address(unsigned i, uint64_t value) {
    switch (i) {
#define X(n) \
    case n: csr_write(pmpaddr##n, value); break;
        X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#undef X
    }
}

static void write_config(void) {
    uint64_t low = 0, high = 0;

    for (unsigned i = 0; i < 8; i++) {
        low |= (uint64_t)config[i] << (8 * i);
        high |= (uint64_t)config[i + 8] << (8 * i);
    }
    csr_write(pmpcfg0, low);
    csr_write(pmpcfg2, high);
    __asm__ volatile("sfence.vma" ::: "memory");
}

static uint64_t random_place(void) {
    static const uint16_t edges[] = {0, 8, 64, 0x800, 0xff8, 0x1000, 0x1008, 0x1ff8, 0x2000};
    uint64_t at = one_in(2) ? edges[below(9)] : below(AREA) & ~3u;

    return DATA_BASE + at + (one_in(3) ? 4 : 0);
}

static uint8_t random_rights(void) {
    static const uint8_t rights[] = {0, PMP_R, PMP_R | PMP_W, PMP_X, PMP_R | PMP_X, PMP_R | PMP_W | PMP_X};

    return rights[below(6)];
}

static void random_entry(unsigned i) {
    uint64_t place = random_place();
    unsigned size = 3 + below(12); /* log2, of a NAPOT region */

    switch (below(5)) {
    case 0:
        config[i] = random_rights();
        address[i] = place >> 2;
        break;
    case 1:
        config[i] = random_rights() | PMP_NA4;
        address[i] = place >> 2;
        break;
    case 2:
        config[i] = random_rights() | PMP_TOR;
        address[i] = place >> 2;
        break;
    default:
        config[i] = random_rights() | PMP_NAPOT;
        address[i] = (place & ~((1ul << size) - 1)) >> 2 | ((1ul << (size - 3)) - 1);
        break;
    }
}

/* Code for all, the page tables mostly, the rest by chance. */
static void fixed_entries(void) {
    config[12] = PMP_R | PMP_X | PMP_NAPOT;
    address[12] = CODE_BASE >> 2 | ((CODE_SIZE >> 3) - 1);
    config[13] = (one_in(8) ? random_rights() : PMP_R | PMP_W) | PMP_NAPOT;
    address[13] = TABLE(0) >> 2 | ((0x8000 >> 3) - 1);
    config[14] = 0;
    address[14] = 0;
    config[15] = (one_in(2) ? PMP_R | PMP_W | PMP_X : random_rights()) | PMP_NAPOT;
    address[15] = ~0ul >> 10;
}

static void make_code(void) {
    for (unsigned i = 0; i < N_ACCESSES; i++) {
        write32(CODE_BASE + i * 8, accesses[i]);
        write32(CODE_BASE + i * 8 + 4, 0x73);
    }
}

/* Sv39: a gigapage for all of RAM at its own address, and for DATA a table of pages one gigabyte above. */
static void make_tables(bool user) {
    uint64_t flags = 0xcf | (user ? 0x10 : 0);

    for (unsigned i = 0; i < 3; i++)
        memset_words(TABLE(i), 4096);
    write64(TABLE(0) + 2 * 8, 0x80000000ul >> 12 << 10 | flags);
    write64(TABLE(0) + 3 * 8, TABLE(1) >> 12 << 10 | 1);
    write64(TABLE(1) + (DATA_BASE >> 21 & 511) * 8, TABLE(2) >> 12 << 10 | 1);
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 4096)
        write64(TABLE(2) + (at >> 12 & 511) * 8, at >> 12 << 10 | (flags & ~0xc0ul));
}

static void init_data(void) {
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        write64(at, 0x9002900247814785ul ^ (at & 0x1f8) << 15);
}

/* QEMU looks at an access's first and last byte only, and misses a region of four bytes inside it. */
static bool has_small_region(void) {
    for (unsigned i = 0; i < N_RANDOM; i++)
        if ((config[i] & PMP_NAPOT) == PMP_NA4 || (config[i] & PMP_NAPOT) == PMP_TOR)
            return true;
    return false;
}

static void do_access(bool translated) {
    unsigned access = below(N_ACCESSES), size = 1u << (access & 3);
    static const uint8_t modes[] = {PRIV_U, PRIV_S, PRIV_M};
    unsigned priv = modes[below(3)];
    uint64_t at = one_in(2) ? address[below(N_RANDOM)] << 2 : random_place();

    if (access >= ACCESS_AMO)
        size = access & 1 ? 8 : 4;
    at += below(17) - 8ul;
    at = at < DATA_BASE || at >= DATA_BASE + AREA ? DATA_BASE + below(AREA) : at;
    if (access >= ACCESS_AMO && access < ACCESS_FETCH)
        at &= ~(uint64_t)(size - 1);
    if (access == ACCESS_FETCH)
        at &= ~1ul;
    if (size == 8 && has_small_region())
        at &= ~3ul;
    if (translated && priv != PRIV_M && one_in(2))
        at += 1ul << 30;
    /* QEMU's AMO begins with a load: where PMP denies it, D is not set, as it is by a store. */
    if (at >> 30 == 3 && (access == ACCESS_AMO || access == ACCESS_AMO + 1))
        access = ACCESS_STORE + 3;
    context.status = (uint64_t)priv << STATUS_MPP_SHIFT | STATUS_SUM | (priv == PRIV_M && one_in(2) ? STATUS_MPRV : 0);
    context.pc = CODE_BASE + access * 8;
    context.x[1] = context.x[15] = 0;
    context.x[11] = at;
    context.x[14] = harmless_code();
    context.vector = 0;
    if (params.verbose)
        print("begin access=%d priv=%d status=%x at=%x\n", (uint64_t)access, (uint64_t)priv, context.status, at);
    context_count(&context);
    fold(context.cause);
    if (context.cause != CAUSE_BREAKPOINT) /* QEMU's is the first address at which it saw that ebreak */
        fold(context.tval);
    fold(context.pc);
    fold(context.x[15]);
    if (params.verbose)
        print("end cause=%x tval=%x epc=%x x15=%x\n", context.cause, context.tval, context.pc, context.x[15]);
}

static void show_entries(bool translated) {
    print("begin translated=%d", (uint64_t)translated);
    for (uint64_t i = 0; i < 16; i++)
        print(" %d:%x=%x", i, (uint64_t)config[i], address[i] << 2);
    print("\n");
}

static void scenario(void) {
    bool translated = one_in(3), user = one_in(2);

    make_tables(user);
    init_data();
    __asm__ volatile("fence.i" ::: "memory");
    for (unsigned i = 0; i < N_RANDOM; i++) {
        config[i] = 0;
        address[i] = DATA_BASE >> 2;
        if (one_in(2))
            random_entry(i);
    }
    fixed_entries();
    for (unsigned i = 0; i < 16; i++)
        write_address(i, address[i]);
    write_config();
    csr_write(menvcfg, (one_in(2) ? 1ul << 61 : 0) | 0xf0);
    csr_write(senvcfg, 0xf0);
    csr_write(satp, translated ? 8ul << 60 | TABLE(0) >> 12 : 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    if (params.verbose)
        show_entries(translated);
    for (unsigned i = 0; i < ACCESSES; i++)
        do_access(translated);
    csr_write(satp, 0);
    memset(config, 0, sizeof config);
    write_config();
    uint64_t before = hash;
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        fold(read64(at));
    uint64_t ptes = TABLE(2) + (DATA_BASE >> 12 & 511) * 8;
    for (unsigned i = 0; i < 4; i++)
        fold(read64(ptes + i * 8));
    if (params.verbose)
        print("memory %x ptes %x %x %x %x\n", hash ^ before, read64(ptes), read64(ptes + 8), read64(ptes + 16), read64(ptes + 24));
}

void pmp_batch(void) {
    uint64_t seed = random64();

    make_code();
    for (uint64_t i = 0; i < SCENARIOS; i++) {
        if (params.only && params.only != i + 1)
            continue;
        random_seed(seed + i);
        scenario();
        if (params.verbose)
            print("scenario %d %x\n", i, hash);
    }
}

/*
 * Locked entries bind M mode and stay until a reset, so this comes last. The regions are in DATA, which the monitor
 * itself leaves alone from here on.
 */
void pmp_lock_all(void) {
    random_seed(random64());
    hash = 0;
    init_data();
    memset(config, 0, sizeof config);
    for (unsigned i = 0; i < N_RANDOM; i++)
        address[i] = DATA_BASE >> 2;
    fixed_entries();
    config[13] = PMP_R | PMP_W | PMP_NAPOT;
    for (unsigned n = N_RANDOM; n-- > 0;) {
        random_entry(n);
        config[n] |= PMP_L;
        for (unsigned i = 0; i < 16; i++)
            write_address(i, address[i]);
        write_config();
        /* What is locked, and the address below a locked TOR, does not change. */
        csr_write(pmpcfg0, random64() & 0x1f1f1f1f1f1f1f1ful & ~0x0202020202020202ul);
        write_address(n, random64() >> 10);
        if (n > 0)
            write_address(n - 1, DATA_BASE >> 2);
        write_config();
        fold(csr_read(pmpcfg0));
        fold(csr_read(pmpcfg2));
        fold(csr_read(pmpaddr0));
        fold(csr_read(pmpaddr5));
        fold(csr_read(pmpaddr11));
        for (unsigned i = 0; i < 200; i++)
            do_access(false);
    }
    print("locks %x\n", hash);
}
