/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of Linux on riscv64 (asm-generic/unistd.h): number, name, and a letter for each argument:
 *
 *   i int  u unsigned  x hexadecimal  o octal (a mode)  p address
 *   f file descriptor  F likewise, or AT_FDCWD
 *   s text in memory  a NULL-ended array of texts  b bytes, as many as the next argument says
 *   r bytes that the call wrote, as many as it returned  G an int that it wrote  g two  t a time that it wrote
 *   T a time (struct timespec)  O open flags  P memory protection  M mmap flags  c clone flags  w whence
 *   S signal  h how (rt_sigprocmask)  k clock  X futex operation
 */
#ifndef ANALYSES_BUILTIN_SYSCALL_TABLE_H
#define ANALYSES_BUILTIN_SYSCALL_TABLE_H

#define SYSCALLS(X)                                                                                          \
    X(0, io_setup, "up")                                                                                     \
    X(1, io_destroy, "p")                                                                                    \
    X(2, io_submit, "pip")                                                                                   \
    X(3, io_cancel, "ppp")                                                                                   \
    X(4, io_getevents, "piipt")                                                                              \
    X(5, setxattr, "sspux")                                                                                  \
    X(6, lsetxattr, "sspux")                                                                                 \
    X(7, fsetxattr, "fspux")                                                                                 \
    X(8, getxattr, "sspu")                                                                                   \
    X(9, lgetxattr, "sspu")                                                                                  \
    X(10, fgetxattr, "fspu")                                                                                 \
    X(11, listxattr, "sru")                                                                                  \
    X(12, llistxattr, "sru")                                                                                 \
    X(13, flistxattr, "fru")                                                                                 \
    X(14, removexattr, "ss")                                                                                 \
    X(15, lremovexattr, "ss")                                                                                \
    X(16, fremovexattr, "fs")                                                                                \
    X(17, getcwd, "ru")                                                                                      \
    X(18, lookup_dcookie, "upu")                                                                             \
    X(19, eventfd2, "ux")                                                                                    \
    X(20, epoll_create1, "x")                                                                                \
    X(21, epoll_ctl, "fifp")                                                                                 \
    X(22, epoll_pwait, "fpiipu")                                                                             \
    X(23, dup, "f")                                                                                          \
    X(24, dup3, "ffO")                                                                                       \
    X(25, fcntl, "fix")                                                                                      \
    X(26, inotify_init1, "x")                                                                                \
    X(27, inotify_add_watch, "fsx")                                                                          \
    X(28, inotify_rm_watch, "fi")                                                                            \
    X(29, ioctl, "fxx")                                                                                      \
    X(30, ioprio_set, "iii")                                                                                 \
    X(31, ioprio_get, "ii")                                                                                  \
    X(32, flock, "fi")                                                                                       \
    X(33, mknodat, "Fsox")                                                                                   \
    X(34, mkdirat, "Fso")                                                                                    \
    X(35, unlinkat, "Fsx")                                                                                   \
    X(36, symlinkat, "sFs")                                                                                  \
    X(37, linkat, "FsFsx")                                                                                   \
    X(39, umount2, "sx")                                                                                     \
    X(40, mount, "sssxp")                                                                                    \
    X(41, pivot_root, "ss")                                                                                  \
    X(42, nfsservctl, "ipp")                                                                                 \
    X(43, statfs, "sp")                                                                                      \
    X(44, fstatfs, "fp")                                                                                     \
    X(45, truncate, "si")                                                                                    \
    X(46, ftruncate, "fi")                                                                                   \
    X(47, fallocate, "fxii")                                                                                 \
    X(48, faccessat, "Fsi")                                                                                  \
    X(49, chdir, "s")                                                                                        \
    X(50, fchdir, "f")                                                                                       \
    X(51, chroot, "s")                                                                                       \
    X(52, fchmod, "fo")                                                                                      \
    X(53, fchmodat, "Fso")                                                                                   \
    X(54, fchownat, "Fsiix")                                                                                 \
    X(55, fchown, "fii")                                                                                     \
    X(56, openat, "FsOo")                                                                                    \
    X(57, close, "f")                                                                                        \
    X(58, vhangup, "")                                                                                       \
    X(59, pipe2, "gO")                                                                                       \
    X(60, quotactl, "xsip")                                                                                  \
    X(61, getdents64, "fpu")                                                                                 \
    X(62, lseek, "fiw")                                                                                      \
    X(63, read, "fru")                                                                                       \
    X(64, write, "fbu")                                                                                      \
    X(65, readv, "fpu")                                                                                      \
    X(66, writev, "fpu")                                                                                     \
    X(67, pread64, "frui")                                                                                   \
    X(68, pwrite64, "fbui")                                                                                  \
    X(69, preadv, "fpui")                                                                                    \
    X(70, pwritev, "fpui")                                                                                   \
    X(71, sendfile, "ffpu")                                                                                  \
    X(72, pselect6, "ipppTp")                                                                                \
    X(73, ppoll, "puTpu")                                                                                    \
    X(74, signalfd4, "fpux")                                                                                 \
    X(75, vmsplice, "fpux")                                                                                  \
    X(76, splice, "fpfpux")                                                                                  \
    X(77, tee, "ffux")                                                                                       \
    X(78, readlinkat, "Fsru")                                                                                \
    X(79, newfstatat, "Fspx")                                                                                \
    X(80, fstat, "fp")                                                                                       \
    X(81, sync, "")                                                                                          \
    X(82, fsync, "f")                                                                                        \
    X(83, fdatasync, "f")                                                                                    \
    X(84, sync_file_range, "fiix")                                                                           \
    X(85, timerfd_create, "kx")                                                                              \
    X(86, timerfd_settime, "fxpp")                                                                           \
    X(87, timerfd_gettime, "fp")                                                                             \
    X(88, utimensat, "Fspx")                                                                                 \
    X(89, acct, "s")                                                                                         \
    X(90, capget, "pp")                                                                                      \
    X(91, capset, "pp")                                                                                      \
    X(92, personality, "x")                                                                                  \
    X(93, exit, "i")                                                                                         \
    X(94, exit_group, "i")                                                                                   \
    X(95, waitid, "iipxp")                                                                                   \
    X(96, set_tid_address, "p")                                                                              \
    X(97, unshare, "c")                                                                                      \
    X(98, futex, "pXuTpu")                                                                                   \
    X(99, set_robust_list, "pu")                                                                             \
    X(100, get_robust_list, "ipp")                                                                           \
    X(101, nanosleep, "Tp")                                                                                  \
    X(102, getitimer, "ip")                                                                                  \
    X(103, setitimer, "ipp")                                                                                 \
    X(104, kexec_load, "puux")                                                                               \
    X(105, init_module, "pus")                                                                               \
    X(106, delete_module, "sx")                                                                              \
    X(107, timer_create, "kpp")                                                                              \
    X(108, timer_gettime, "ip")                                                                              \
    X(109, timer_getoverrun, "i")                                                                            \
    X(110, timer_settime, "ixpp")                                                                            \
    X(111, timer_delete, "i")                                                                                \
    X(112, clock_settime, "kT")                                                                              \
    X(113, clock_gettime, "kt")                                                                              \
    X(114, clock_getres, "kt")                                                                               \
    X(115, clock_nanosleep, "kxTp")                                                                          \
    X(116, syslog, "iri")                                                                                    \
    X(117, ptrace, "iipp")                                                                                   \
    X(118, sched_setparam, "ip")                                                                             \
    X(119, sched_setscheduler, "iip")                                                                        \
    X(120, sched_getscheduler, "i")                                                                          \
    X(121, sched_getparam, "ip")                                                                             \
    X(122, sched_setaffinity, "iup")                                                                         \
    X(123, sched_getaffinity, "iup")                                                                         \
    X(124, sched_yield, "")                                                                                  \
    X(125, sched_get_priority_max, "i")                                                                      \
    X(126, sched_get_priority_min, "i")                                                                      \
    X(127, sched_rr_get_interval, "it")                                                                      \
    X(128, restart_syscall, "")                                                                              \
    X(129, kill, "iS")                                                                                       \
    X(130, tkill, "iS")                                                                                      \
    X(131, tgkill, "iiS")                                                                                    \
    X(132, sigaltstack, "pp")                                                                                \
    X(133, rt_sigsuspend, "pu")                                                                              \
    X(134, rt_sigaction, "Sppu")                                                                             \
    X(135, rt_sigprocmask, "hppu")                                                                           \
    X(136, rt_sigpending, "pu")                                                                              \
    X(137, rt_sigtimedwait, "ppTu")                                                                          \
    X(138, rt_sigqueueinfo, "iSp")                                                                           \
    X(139, rt_sigreturn, "")                                                                                 \
    X(140, setpriority, "iii")                                                                               \
    X(141, getpriority, "ii")                                                                                \
    X(142, reboot, "xxxp")                                                                                   \
    X(143, setregid, "ii")                                                                                   \
    X(144, setgid, "i")                                                                                      \
    X(145, setreuid, "ii")                                                                                   \
    X(146, setuid, "i")                                                                                      \
    X(147, setresuid, "iii")                                                                                 \
    X(148, getresuid, "ppp")                                                                                 \
    X(149, setresgid, "iii")                                                                                 \
    X(150, getresgid, "ppp")                                                                                 \
    X(151, setfsuid, "i")                                                                                    \
    X(152, setfsgid, "i")                                                                                    \
    X(153, times, "p")                                                                                       \
    X(154, setpgid, "ii")                                                                                    \
    X(155, getpgid, "i")                                                                                     \
    X(156, getsid, "i")                                                                                      \
    X(157, setsid, "")                                                                                       \
    X(158, getgroups, "ip")                                                                                  \
    X(159, setgroups, "ip")                                                                                  \
    X(160, uname, "p")                                                                                       \
    X(161, sethostname, "bu")                                                                                \
    X(162, setdomainname, "bu")                                                                              \
    X(163, getrlimit, "ip")                                                                                  \
    X(164, setrlimit, "ip")                                                                                  \
    X(165, getrusage, "ip")                                                                                  \
    X(166, umask, "o")                                                                                       \
    X(167, prctl, "ixxxx")                                                                                   \
    X(168, getcpu, "ppp")                                                                                    \
    X(169, gettimeofday, "tp")                                                                               \
    X(170, settimeofday, "Tp")                                                                               \
    X(171, adjtimex, "p")                                                                                    \
    X(172, getpid, "")                                                                                       \
    X(173, getppid, "")                                                                                      \
    X(174, getuid, "")                                                                                       \
    X(175, geteuid, "")                                                                                      \
    X(176, getgid, "")                                                                                       \
    X(177, getegid, "")                                                                                      \
    X(178, gettid, "")                                                                                       \
    X(179, sysinfo, "p")                                                                                     \
    X(180, mq_open, "sOop")                                                                                  \
    X(181, mq_unlink, "s")                                                                                   \
    X(182, mq_timedsend, "fbuuT")                                                                            \
    X(183, mq_timedreceive, "fruppT")                                                                        \
    X(184, mq_notify, "fp")                                                                                  \
    X(185, mq_getsetattr, "fpp")                                                                             \
    X(186, msgget, "xx")                                                                                     \
    X(187, msgctl, "ixp")                                                                                    \
    X(188, msgrcv, "ipuix")                                                                                  \
    X(189, msgsnd, "ipux")                                                                                   \
    X(190, semget, "xix")                                                                                    \
    X(191, semctl, "iixx")                                                                                   \
    X(192, semtimedop, "ipuT")                                                                               \
    X(193, semop, "ipu")                                                                                     \
    X(194, shmget, "xux")                                                                                    \
    X(195, shmctl, "ixp")                                                                                    \
    X(196, shmat, "ipx")                                                                                     \
    X(197, shmdt, "p")                                                                                       \
    X(198, socket, "iii")                                                                                    \
    X(199, socketpair, "iiig")                                                                               \
    X(200, bind, "fpu")                                                                                      \
    X(201, listen, "fi")                                                                                     \
    X(202, accept, "fpp")                                                                                    \
    X(203, connect, "fpu")                                                                                   \
    X(204, getsockname, "fpp")                                                                               \
    X(205, getpeername, "fpp")                                                                               \
    X(206, sendto, "fbuxpu")                                                                                 \
    X(207, recvfrom, "fruxpp")                                                                               \
    X(208, setsockopt, "fiipu")                                                                              \
    X(209, getsockopt, "fiipp")                                                                              \
    X(210, shutdown, "fi")                                                                                   \
    X(211, sendmsg, "fpx")                                                                                   \
    X(212, recvmsg, "fpx")                                                                                   \
    X(213, readahead, "fiu")                                                                                 \
    X(214, brk, "p")                                                                                         \
    X(215, munmap, "pu")                                                                                     \
    X(216, mremap, "puuxp")                                                                                  \
    X(217, add_key, "sspui")                                                                                 \
    X(218, request_key, "sssi")                                                                              \
    X(219, keyctl, "ixxxx")                                                                                  \
    X(220, clone, "cpppp")                                                                                   \
    X(221, execve, "sap")                                                                                    \
    X(222, mmap, "puPMfi")                                                                                   \
    X(223, fadvise64, "fiui")                                                                                \
    X(224, swapon, "sx")                                                                                     \
    X(225, swapoff, "s")                                                                                     \
    X(226, mprotect, "puP")                                                                                  \
    X(227, msync, "pux")                                                                                     \
    X(228, mlock, "pu")                                                                                      \
    X(229, munlock, "pu")                                                                                    \
    X(230, mlockall, "x")                                                                                    \
    X(231, munlockall, "")                                                                                   \
    X(232, mincore, "pup")                                                                                   \
    X(233, madvise, "pui")                                                                                   \
    X(234, remap_file_pages, "puxux")                                                                        \
    X(235, mbind, "puipux")                                                                                  \
    X(236, get_mempolicy, "ppupx")                                                                           \
    X(237, set_mempolicy, "ipu")                                                                             \
    X(238, migrate_pages, "iupp")                                                                            \
    X(239, move_pages, "iuxppx")                                                                             \
    X(240, rt_tgsigqueueinfo, "iiSp")                                                                        \
    X(241, perf_event_open, "piiix")                                                                         \
    X(242, accept4, "fppx")                                                                                  \
    X(243, recvmmsg, "fpuxT")                                                                                \
    X(258, riscv_hwprobe, "puupx")                                                                           \
    X(259, riscv_flush_icache, "ppx")                                                                        \
    X(260, wait4, "iGxp")                                                                                    \
    X(261, prlimit64, "iipp")                                                                                \
    X(262, fanotify_init, "xx")                                                                              \
    X(263, fanotify_mark, "fxxFs")                                                                           \
    X(264, name_to_handle_at, "Fsppx")                                                                       \
    X(265, open_by_handle_at, "fpO")                                                                         \
    X(266, clock_adjtime, "kp")                                                                              \
    X(267, syncfs, "f")                                                                                      \
    X(268, setns, "fx")                                                                                      \
    X(269, sendmmsg, "fpux")                                                                                 \
    X(270, process_vm_readv, "ipupux")                                                                       \
    X(271, process_vm_writev, "ipupux")                                                                      \
    X(272, kcmp, "iiixx")                                                                                    \
    X(273, finit_module, "fsx")                                                                              \
    X(274, sched_setattr, "ipx")                                                                             \
    X(275, sched_getattr, "ipux")                                                                            \
    X(276, renameat2, "FsFsx")                                                                               \
    X(277, seccomp, "xxp")                                                                                   \
    X(278, getrandom, "rux")                                                                                 \
    X(279, memfd_create, "sx")                                                                               \
    X(280, bpf, "ipu")                                                                                       \
    X(281, execveat, "Fsapx")                                                                                \
    X(282, userfaultfd, "x")                                                                                 \
    X(283, membarrier, "ixi")                                                                                \
    X(284, mlock2, "pux")                                                                                    \
    X(285, copy_file_range, "fpfpux")                                                                        \
    X(286, preadv2, "fpuiix")                                                                                \
    X(287, pwritev2, "fpuiix")                                                                               \
    X(288, pkey_mprotect, "puPi")                                                                            \
    X(289, pkey_alloc, "xx")                                                                                 \
    X(290, pkey_free, "i")                                                                                   \
    X(291, statx, "Fsxxp")                                                                                   \
    X(292, io_pgetevents, "piiptp")                                                                          \
    X(293, rseq, "pxxx")                                                                                     \
    X(294, kexec_file_load, "ffupx")                                                                         \
    X(424, pidfd_send_signal, "fSpx")                                                                        \
    X(425, io_uring_setup, "up")                                                                             \
    X(426, io_uring_enter, "fuuxpu")                                                                         \
    X(427, io_uring_register, "fupu")                                                                        \
    X(428, open_tree, "Fsx")                                                                                 \
    X(429, move_mount, "FsFsx")                                                                              \
    X(430, fsopen, "sx")                                                                                     \
    X(431, fsconfig, "fxspi")                                                                                \
    X(432, fsmount, "fxx")                                                                                   \
    X(433, fspick, "Fsx")                                                                                    \
    X(434, pidfd_open, "ix")                                                                                 \
    X(435, clone3, "pu")                                                                                     \
    X(436, close_range, "uux")                                                                               \
    X(437, openat2, "Fspu")                                                                                  \
    X(438, pidfd_getfd, "ffx")                                                                               \
    X(439, faccessat2, "Fsix")                                                                               \
    X(440, process_madvise, "fpuix")                                                                         \
    X(441, epoll_pwait2, "fpiTpu")                                                                           \
    X(442, mount_setattr, "Fsxpu")                                                                           \
    X(443, quotactl_fd, "fxip")                                                                              \
    X(444, landlock_create_ruleset, "pux")                                                                   \
    X(445, landlock_add_rule, "fipx")                                                                        \
    X(446, landlock_restrict_self, "fx")                                                                     \
    X(447, memfd_secret, "x")                                                                                \
    X(448, process_mrelease, "fx")                                                                           \
    X(449, futex_waitv, "puxTk")                                                                             \
    X(450, set_mempolicy_home_node, "puux")                                                                  \
    X(451, cachestat, "fppx")                                                                                \
    X(452, fchmodat2, "Fsox")                                                                                \
    X(453, map_shadow_stack, "pux")                                                                          \
    X(454, futex_wake, "pxix")                                                                               \
    X(455, futex_wait, "pxxxTk")                                                                             \
    X(456, futex_requeue, "pxii")                                                                            \
    X(457, statmount, "ppux")                                                                                \
    X(458, listmount, "ppux")                                                                                \
    X(459, lsm_get_self_attr, "xppx")                                                                        \
    X(460, lsm_set_self_attr, "xpux")                                                                        \
    X(461, lsm_list_modules, "ppx")                                                                          \
    X(462, mseal, "pux")                                                                                     \
    X(463, setxattrat, "Fsxspu")                                                                             \
    X(464, getxattrat, "Fsxspu")                                                                             \
    X(465, listxattrat, "Fsxru")                                                                             \
    X(466, removexattrat, "Fsxs")

/* clang-format off */
/* asm-generic/errno.h */
#define ERRNOS(X)                                                                                            \
    X(1, EPERM) X(2, ENOENT) X(3, ESRCH) X(4, EINTR) X(5, EIO) X(6, ENXIO) X(7, E2BIG) X(8, ENOEXEC)         \
    X(9, EBADF) X(10, ECHILD) X(11, EAGAIN) X(12, ENOMEM) X(13, EACCES) X(14, EFAULT) X(15, ENOTBLK)         \
    X(16, EBUSY) X(17, EEXIST) X(18, EXDEV) X(19, ENODEV) X(20, ENOTDIR) X(21, EISDIR) X(22, EINVAL)         \
    X(23, ENFILE) X(24, EMFILE) X(25, ENOTTY) X(26, ETXTBSY) X(27, EFBIG) X(28, ENOSPC)                      \
    X(29, ESPIPE) X(30, EROFS) X(31, EMLINK) X(32, EPIPE) X(33, EDOM) X(34, ERANGE) X(35, EDEADLK)           \
    X(36, ENAMETOOLONG) X(37, ENOLCK) X(38, ENOSYS) X(39, ENOTEMPTY) X(40, ELOOP) X(42, ENOMSG)              \
    X(43, EIDRM) X(44, ECHRNG) X(45, EL2NSYNC) X(46, EL3HLT) X(47, EL3RST) X(48, ELNRNG)                     \
    X(49, EUNATCH) X(50, ENOCSI) X(51, EL2HLT) X(52, EBADE) X(53, EBADR) X(54, EXFULL) X(55, ENOANO)         \
    X(56, EBADRQC) X(57, EBADSLT) X(59, EBFONT) X(60, ENOSTR) X(61, ENODATA) X(62, ETIME)                    \
    X(63, ENOSR) X(64, ENONET) X(65, ENOPKG) X(66, EREMOTE) X(67, ENOLINK) X(68, EADV) X(69, ESRMNT)         \
    X(70, ECOMM) X(71, EPROTO) X(72, EMULTIHOP) X(73, EDOTDOT) X(74, EBADMSG) X(75, EOVERFLOW)               \
    X(76, ENOTUNIQ) X(77, EBADFD) X(78, EREMCHG) X(79, ELIBACC) X(80, ELIBBAD) X(81, ELIBSCN)                \
    X(82, ELIBMAX) X(83, ELIBEXEC) X(84, EILSEQ) X(85, ERESTART) X(86, ESTRPIPE) X(87, EUSERS)               \
    X(88, ENOTSOCK) X(89, EDESTADDRREQ) X(90, EMSGSIZE) X(91, EPROTOTYPE) X(92, ENOPROTOOPT)                 \
    X(93, EPROTONOSUPPORT) X(94, ESOCKTNOSUPPORT) X(95, EOPNOTSUPP) X(96, EPFNOSUPPORT)                      \
    X(97, EAFNOSUPPORT) X(98, EADDRINUSE) X(99, EADDRNOTAVAIL) X(100, ENETDOWN) X(101, ENETUNREACH)          \
    X(102, ENETRESET) X(103, ECONNABORTED) X(104, ECONNRESET) X(105, ENOBUFS) X(106, EISCONN)                \
    X(107, ENOTCONN) X(108, ESHUTDOWN) X(109, ETOOMANYREFS) X(110, ETIMEDOUT) X(111, ECONNREFUSED)           \
    X(112, EHOSTDOWN) X(113, EHOSTUNREACH) X(114, EALREADY) X(115, EINPROGRESS) X(116, ESTALE)               \
    X(117, EUCLEAN) X(118, ENOTNAM) X(119, ENAVAIL) X(120, EISNAM) X(121, EREMOTEIO) X(122, EDQUOT)          \
    X(123, ENOMEDIUM) X(124, EMEDIUMTYPE) X(125, ECANCELED) X(126, ENOKEY) X(127, EKEYEXPIRED)               \
    X(128, EKEYREVOKED) X(129, EKEYREJECTED) X(130, EOWNERDEAD) X(131, ENOTRECOVERABLE)                      \
    X(132, ERFKILL) X(133, EHWPOISON)
/* clang-format on */

#endif
