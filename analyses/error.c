/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/analysis.h"

G_DEFINE_QUARK(rr - analysis - error - quark, analysis_error)
