/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU virt's physical address map and interrupt numbers, shared by board.c and devicetree.c. */
#ifndef CORE_MEMMAP_H
#define CORE_MEMMAP_H

#define VIRT_MROM_BASE 0x1000u
#define VIRT_MROM_SIZE 0xf000u
#define VIRT_TEST_BASE 0x100000u
#define VIRT_TEST_SIZE 0x1000u
#define VIRT_RTC_BASE 0x101000u
#define VIRT_RTC_SIZE 0x1000u
#define VIRT_CLINT_BASE 0x2000000u
#define VIRT_CLINT_SIZE 0x10000u
#define VIRT_MSWI_SIZE 0x4000u
#define VIRT_MTIMER_SIZE 0x8000u
#define VIRT_SSWI_BASE 0x2f00000u
#define VIRT_SSWI_SIZE 0x4000u
#define VIRT_PLIC_BASE 0xc000000u
#define VIRT_PLIC_SIZE 0x600000u
#define VIRT_PLIC_SOURCES 96u
#define VIRT_UART_BASE 0x10000000u
#define VIRT_UART_SIZE 0x100u
#define VIRT_UART_CLOCK 3686400u
#define VIRT_VIRTIO_BASE 0x10001000u
#define VIRT_VIRTIO_SIZE 0x1000u
#define VIRT_FLASH_BASE 0x20000000u
#define VIRT_FLASH_SIZE 0x2000000u /* each of two */
#define VIRT_RAM_BASE 0x80000000u
#define VIRT_TIMEBASE 10000000u

#define VIRT_VIRTIO_IRQ 1 /* slot 0; one each */
#define VIRT_UART_IRQ 10
#define VIRT_RTC_IRQ 11

#endif
