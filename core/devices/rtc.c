/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Goldfish real-time clock: nanoseconds since 1970 in two halves, and one alarm. Reading the low half latches
 * the high one; writing the low half of the time or of the alarm takes effect with the high half written
 * before.
 */
#include "core/devices/devices.h"

enum {
    RTC_TIME_LOW = 0x00,
    RTC_TIME_HIGH = 0x04,
    RTC_ALARM_LOW = 0x08,
    RTC_ALARM_HIGH = 0x0c,
    RTC_IRQ_ENABLED = 0x10,
    RTC_CLEAR_ALARM = 0x14,
    RTC_ALARM_STATUS = 0x18,
    RTC_CLEAR_INTERRUPT = 0x1c,
    RTC_SIZE = 0x24,
};

static const RegisterName rtc_registers[] = {
    {RTC_TIME_LOW, "time_low"},         {RTC_TIME_HIGH, "time_high"},
    {RTC_ALARM_LOW, "alarm_low"},       {RTC_ALARM_HIGH, "alarm_high"},
    {RTC_IRQ_ENABLED, "irq_enabled"},   {RTC_CLEAR_ALARM, "clear_alarm"},
    {RTC_ALARM_STATUS, "alarm_status"}, {RTC_CLEAR_INTERRUPT, "clear_interrupt"},
};

#define RTC_FIELDS(F, A)                                                                                     \
    F(uint64_t, offset)    /* real time = guest time + offset (mod 2^64) */                                  \
    F(uint64_t, alarm)     /* real time of the alarm */                                                      \
    F(uint32_t, time_high) /* latched by a read of TIME_LOW */                                               \
    F(uint8_t, has_base)                                                                                     \
    F(uint8_t, alarm_armed)                                                                                  \
    F(uint8_t, irq_pending)                                                                                  \
    F(uint8_t, irq_enabled)

typedef struct Rtc {
    Device dev;
    RTC_FIELDS(STATE_MEMBER, STATE_MEMBER_ARRAY)
} Rtc;

#define STATE_OF Rtc
static const StateField rtc_fields[] = {RTC_FIELDS(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF

static uint64_t rtc_now(const Rtc *r) {
    return machine_time(r->dev.machine) + r->offset;
}

static void rtc_update_irq(Rtc *r) {
    device_set_irq(&r->dev, r->irq_pending && r->irq_enabled);
}

/* When an armed alarm is due; NSEC_NEVER if guest time cannot get there. */
static Nsec rtc_due(const Rtc *r) {
    Nsec time = machine_time(r->dev.machine);
    uint64_t wait = r->alarm - rtc_now(r);

    return wait < NSEC_NEVER - time ? time + wait : NSEC_NEVER;
}

/* The deadline follows from the alarm, so that it need not be saved. */
static void rtc_arm(Rtc *r) {
    uint64_t now = rtc_now(r);

    if (!r->alarm_armed) {
        device_set_deadline(&r->dev, NSEC_NEVER);
    } else if (r->alarm <= now) {
        r->alarm_armed = 0;
        r->irq_pending = 1;
        device_set_deadline(&r->dev, NSEC_NEVER);
        rtc_update_irq(r);
    } else {
        device_set_deadline(&r->dev, rtc_due(r));
    }
}

static void rtc_deadline(Device *d) {
    rtc_arm((Rtc *)d);
}

static uint64_t rtc_read(Device *d, Gpa offset, unsigned size) {
    Rtc *r = (Rtc *)d;

    switch (offset) {
    case RTC_TIME_LOW: {
        uint64_t now = rtc_now(r);
        r->time_high = now >> 32;
        return (uint32_t)now;
    }
    case RTC_TIME_HIGH: return r->time_high;
    case RTC_ALARM_LOW: return (uint32_t)r->alarm;
    case RTC_ALARM_HIGH: return r->alarm >> 32;
    case RTC_IRQ_ENABLED: return r->irq_enabled;
    case RTC_ALARM_STATUS: return r->alarm_armed;
    default: return 0;
    }
}

static uint64_t rtc_replace_half(uint64_t old, uint64_t value, bool high) {
    return high ? (uint32_t)old | value << 32 : (old & ~UINT64_C(0xffffffff)) | (uint32_t)value;
}

static void rtc_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    Rtc *r = (Rtc *)d;

    switch (offset) {
    case RTC_TIME_LOW:
    case RTC_TIME_HIGH: {
        uint64_t now = rtc_now(r);
        r->offset += rtc_replace_half(now, value, offset == RTC_TIME_HIGH) - now;
        rtc_arm(r);
        break;
    }
    case RTC_ALARM_LOW:
        r->alarm = rtc_replace_half(r->alarm, value, false);
        r->alarm_armed = 1;
        rtc_arm(r);
        break;
    case RTC_ALARM_HIGH: r->alarm = rtc_replace_half(r->alarm, value, true); break;
    case RTC_IRQ_ENABLED:
        r->irq_enabled = value & 1;
        rtc_update_irq(r);
        break;
    case RTC_CLEAR_ALARM:
        r->alarm_armed = 0;
        rtc_arm(r);
        break;
    case RTC_CLEAR_INTERRUPT:
        r->irq_pending = 0;
        rtc_update_irq(r);
        break;
    }
}

static void rtc_reset(Device *d) {
    Rtc *r = (Rtc *)d;

    r->alarm = 0;
    r->time_high = 0;
    r->alarm_armed = r->irq_pending = r->irq_enabled = 0;
    rtc_arm(r);
    rtc_update_irq(r);
}

static void rtc_loaded(void *object) {
    Rtc *r = object;

    device_set_deadline(&r->dev, r->alarm_armed ? rtc_due(r) : NSEC_NEVER);
}

static const char *rtc_register_name(const Device *d, Gpa offset) {
    return register_name_find(rtc_registers, G_N_ELEMENTS(rtc_registers), offset);
}

static void rtc_free(Device *d) {
    g_free(d);
}

static const DeviceOps rtc_ops = {
    .type = "rtc",
    .read = rtc_read,
    .write = rtc_write,
    .reset = rtc_reset,
    .deadline = rtc_deadline,
    .register_name = rtc_register_name,
    .free = rtc_free,
};

Device *rtc_create(Machine *m, Gpa base, int source) {
    Rtc *r = g_new0(Rtc, 1);
    StateSection section = {
        .name = "rtc0",
        .object = r,
        .fields = rtc_fields,
        .n_fields = G_N_ELEMENTS(rtc_fields),
        .loaded = rtc_loaded,
    };

    device_init(&r->dev, m, &rtc_ops, "rtc0", source);
    machine_add_region(m, base, RTC_SIZE, 4, 4, &r->dev);
    machine_add_section(m, &section);
    return &r->dev;
}

bool rtc_has_base(const Device *d) {
    return ((const Rtc *)d)->has_base;
}

void rtc_set_base(Device *d, uint64_t base_ns) {
    Rtc *r = (Rtc *)d;

    if (r->has_base)
        return;
    r->has_base = 1;
    r->offset = base_ns;
}
