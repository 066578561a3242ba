/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/functions.h"

#include "analyses/store/query.h"
#include "analyses/store/sorted.h"

#define DISTANCE_MAX (1u << 20) /* a function without a size reaches this far at most */

typedef struct Function {
    Gva addr;
    uint64_t size;
} Function;

struct Functions {
    GArray *sorted; /* of Function, one for each address */
};

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void take(void *opaque, int n, const QueryValue *values) {
    Functions *f = opaque;
    Function x = {(Gva)values[0].integer, (uint64_t)values[1].integer};
    g_array_append_val(f->sorted, x);
}

static gint compare(gconstpointer a, gconstpointer b) {
    const Function *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* In order, the largest of those that begin at one address. */
static void sort(GArray *functions) {
    guint n = 0;
    g_array_sort(functions, compare);
    for (guint i = 0; i < functions->len; i++) {
        const Function *x = &g_array_index(functions, Function, i);
        n += n == 0 || g_array_index(functions, Function, n - 1).addr != x->addr;
        g_array_index(functions, Function, n - 1) = *x;
    }
    g_array_set_size(functions, n);
}

Functions *functions_new(Store *store) {
    static const QueryOps ops = {ignore_begin, take, ignore_end};
    Functions *f = g_new0(Functions, 1);
    f->sorted = g_array_new(FALSE, FALSE, sizeof(Function));
    /* Of an ELF file, labels are no functions; programs in assembly have nothing else. */
    store_query(store_handle(store),
                "SELECT addr, size FROM symbol WHERE kind = 'func' OR (kind = 'label' AND module_id NOT IN "
                "(SELECT module_id FROM symbol WHERE kind = 'func'))",
                &ops, f, NULL);
    sort(f->sorted);
    return f;
}

void functions_free(Functions *f) {
    if (!f)
        return;
    g_array_free(f->sorted, TRUE);
    g_free(f);
}

/* The last one that begins at or below the address; NULL: none. */
static const Function *find(const Functions *f, Gva addr) {
    guint n = sorted_upto(f->sorted, addr);
    return n ? &g_array_index(f->sorted, Function, n - 1) : NULL;
}

bool functions_begins(const Functions *f, Gva addr) {
    const Function *x = find(f, addr);
    return x && x->addr == addr;
}

Gva functions_begin_of(const Functions *f, Gva addr) {
    const Function *x = find(f, addr);
    return x && addr - x->addr < (x->size ? x->size : DISTANCE_MAX) ? x->addr : addr;
}
