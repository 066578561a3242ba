/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend as the engine gets it: the machine's slow paths and helpers, this host's features. */
#include "tcg/x86_64/compiler.h"

Backend *backend_x86_64_new(Machine *m, size_t code_cache_size, unsigned disabled) {
    X86Env env = {mmu_load, mmu_store, mmu_rmw, ir_helpers, m->ram, disabled};
    X86Features features;
    x86_features_detect(&features);
    return x86_backend_new(&env, &features, code_cache_size);
}
