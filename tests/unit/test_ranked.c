/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting by a number gives what sorting by comparing gives, and leaves ties as they were. */
#include "analyses/recorders/ranked.h"

#define N 20000u

typedef struct Thing {
    uint64_t key;
    unsigned number;
} Thing;

static int by_number_down(const void *a, const void *b) {
    const Thing *p = a, *q = b;
    return p->number > q->number ? -1 : p->number < q->number;
}

static gint by_key(gconstpointer a, gconstpointer b) {
    const Thing *p = a, *q = b;
    return p->key < q->key ? -1 : p->key > q->key;
}

/* Keys of `bits` bits moved left by `shift`: all digits, some, one, none. */
static void check(unsigned n, unsigned bits, unsigned shift) {
    GRand *rand = g_rand_new_with_seed(bits * 64 + shift);
    g_autofree Thing *things = g_new(Thing, n);
    g_autofree Ranked *up = g_new(Ranked, n), *down = g_new(Ranked, n);
    for (unsigned i = 0; i < n; i++) {
        uint64_t key = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
        things[i] = (Thing){bits ? key >> (64 - bits) << shift : 7, i};
        up[i] = down[i] = (Ranked){things[i].key, g_memdup2(&things[i], sizeof *things)};
    }
    g_qsort_with_data(things, (gint)n, sizeof *things, (GCompareDataFunc)(void (*)(void))by_key, NULL);
    ranked_sort(up, n, NULL);
    ranked_sort(down, n, by_number_down);
    for (unsigned i = 0; i < n; i++) {
        const Thing *u = up[i].item, *d = down[i].item;
        g_assert_cmpuint(u->key, ==, things[i].key);
        g_assert_cmpuint(u->number, ==, things[i].number);
        g_assert_cmpuint(d->key, ==, things[i].key);
        g_assert_true(i == 0 || down[i - 1].key < d->key ||
                      ((const Thing *)down[i - 1].item)->number > d->number);
    }
    for (unsigned i = 0; i < n; i++)
        g_free(up[i].item);
    g_rand_free(rand);
}

static void test_sort(void) {
    check(0, 64, 0);
    check(1, 64, 0);
    check(N, 64, 0);
    check(N, 0, 0);
    check(N, 3, 0);
    check(N, 12, 0);
    check(N, 12, 33);
    check(N, 5, 59);
}

static void test_signed(void) {
    static const int64_t numbers[] = {INT64_MIN, -2, -1, 0, 1, INT64_MAX};
    for (unsigned i = 1; i < G_N_ELEMENTS(numbers); i++)
        g_assert_cmpuint(ranked_key((uint64_t)numbers[i - 1]), <, ranked_key((uint64_t)numbers[i]));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ranked/sort", test_sort);
    g_test_add_func("/ranked/signed", test_signed);
    return g_test_run();
}
