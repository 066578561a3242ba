/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers a recording and a database are checked against.
 *
 * RREC_FORMAT_VERSION     layout of the file (docs/format.md).
 * RR_BEHAVIOUR_VERSION    what the guest can see of the machine. Raised by every guest-visible change: an
 *                         instruction's result, a device register, a latency, the schedule, the device tree.
 * RR_DB_SCHEMA_VERSION    tables and columns of the database (docs/sql.md).
 */
#ifndef SCHEMA_VERSION_H
#define SCHEMA_VERSION_H

#define RR_VERSION "0.1.0"
#define RREC_FORMAT_VERSION 1u
#define RR_BEHAVIOUR_VERSION 1u
#define RR_DB_SCHEMA_VERSION 4u

#endif
