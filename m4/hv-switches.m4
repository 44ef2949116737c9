# HV_SWITCHES: --enable-asan, --enable-ubsan, --enable-coverage, --enable-fuzzing, --enable-werror
AC_DEFUN([HV_SWITCHES], [
	AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer (programs are then linked dynamically)])], [], [enable_asan=no])
	AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])], [], [enable_ubsan=no])
	AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [build for gcov])], [], [enable_coverage=no])
	AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [link the fuzz targets with libFuzzer (needs CC=clang)])], [], [enable_fuzzing=no])
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [turn warnings into errors])], [], [enable_werror=no])

	hv_sanitizers=
	HV_CFLAGS="-std=gnu11"
	HV_LDFLAGS=
	AS_IF([test "x$enable_asan" = xyes], [hv_sanitizers="address"])
	AS_IF([test "x$enable_ubsan" = xyes], [hv_sanitizers="$hv_sanitizers undefined"])
	AS_IF([test "x$enable_asan" = xyes], [HV_CFLAGS="$HV_CFLAGS -fsanitize=address -fno-omit-frame-pointer"])
	# no -fno-sanitize-recover: a finding must end the program, or a test could pass over it
	AS_IF([test "x$enable_ubsan" = xyes], [HV_CFLAGS="$HV_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"])
	AS_IF([test "x$enable_coverage" = xyes], [HV_CFLAGS="$HV_CFLAGS --coverage -O0"])
	AS_IF([test "x$enable_fuzzing" = xyes], [HV_CFLAGS="$HV_CFLAGS -fsanitize=fuzzer-no-link"])
	AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
	AM_CONDITIONAL([ASAN], [test "x$enable_asan" = xyes])
	AC_SUBST([HV_CFLAGS])
	AC_SUBST([HV_LDFLAGS])
])

# HV_ADD_CFLAG(FLAG): appends FLAG to HV_CFLAGS when the compiler takes it
AC_DEFUN([HV_ADD_CFLAG], [
	hv_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_MSG_CHECKING([whether $CC takes $1])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([int main(void) { return 0; }])],
		[AC_MSG_RESULT([yes])
		HV_CFLAGS="$HV_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$hv_saved_CFLAGS
])

AC_DEFUN([HV_WARNINGS], [
	m4_foreach_w([flag], [
		-Wall -Wextra
		-Wshadow -Wundef -Wvla
		-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition
		-Wformat=2 -Wpointer-arith -Wwrite-strings -Wredundant-decls
		-Wlogical-op -Wduplicated-cond -Wimplicit-fallthrough -Wdate-time
	], [HV_ADD_CFLAG(flag)])
	AS_IF([test "x$enable_werror" = xyes], [HV_CFLAGS="$HV_CFLAGS -Werror"])
])

AC_DEFUN([HV_HARDENING], [
	HV_ADD_CFLAG([-fPIE])
	HV_ADD_CFLAG([-fstack-protector-strong])
	HV_ADD_CFLAG([-fstack-clash-protection])
	HV_ADD_CFLAG([-fcf-protection])
	# _FORTIFY_SOURCE wants an optimised build and hides what the sanitizers look for
	AS_IF([test -z "$hv_sanitizers" && test "x$enable_coverage" != xyes],
		[HV_ADD_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3])])
	HV_LDFLAGS="$HV_LDFLAGS -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"
])

# HV_STATIC_PROGRAMS(LIBS): PROGRAM_LDFLAGS, static-pie where that links with LIBS and nothing forbids it
AC_DEFUN([HV_STATIC_PROGRAMS], [
	AC_ARG_ENABLE([static-programs],
		[AS_HELP_STRING([--disable-static-programs], [link hvrun, hvrun-vmwp and hvrun-agent against shared libraries])],
		[], [enable_static_programs=auto])
	AS_IF([test "x$enable_asan" = xyes || test "x$enable_coverage" = xyes], [
		AS_IF([test "x$enable_static_programs" = xyes], [AC_MSG_ERROR([--enable-static-programs cannot go with --enable-asan or --enable-coverage])])
		enable_static_programs=no])
	hv_link=dynamic hv_early_start=no
	PROGRAM_LDFLAGS=-pie
	AS_IF([test "x$enable_static_programs" != xno], [
		AC_MSG_CHECKING([for static libraries])
		hv_saved_LIBS=$LIBS hv_saved_LDFLAGS=$LDFLAGS hv_saved_CFLAGS=$CFLAGS
		hv_static_LIBS="$1"
		AS_IF([test "x$have_selinux" = xyes], [hv_static_LIBS="$hv_static_LIBS `$PKG_CONFIG --static --libs libselinux`"])
		LIBS="$hv_static_LIBS $LIBS" LDFLAGS="$LDFLAGS -static-pie" CFLAGS="$CFLAGS -fPIE"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
			extern char seccomp_init(void), cap_get_proc(void), yajl_alloc(void);
			int main(void) { return seccomp_init() + cap_get_proc() + yajl_alloc(); }]])],
			[hv_link=static-pie], [:])
		LIBS=$hv_saved_LIBS LDFLAGS=$hv_saved_LDFLAGS CFLAGS=$hv_saved_CFLAGS
		AC_MSG_RESULT([$hv_link])
		AS_IF([test "$hv_link" = static-pie], [
			PROGRAM_LDFLAGS=-static-pie
			AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
				#if !defined(__x86_64__) && !defined(__aarch64__)
				#error "src/linux/selfexe_start.c has no entry point for it"
				#endif]])],
				[hv_early_start=yes], [:])
			AS_IF([test "x$have_selinux" = xyes], [SELINUX_LIBS=`$PKG_CONFIG --static --libs libselinux`])
		], [
			AS_IF([test "x$enable_static_programs" = xyes], [AC_MSG_ERROR([static libraries of libseccomp, libcap, yajl, libselinux are needed])])
			AC_MSG_WARN([linking dynamically: the guest's initramfs then carries the libraries too])
		])
	])
	AC_SUBST([PROGRAM_LDFLAGS])
	# the entry point of our own (src/linux/selfexe_start.c): a static program's, before the C library's
	AM_CONDITIONAL([EARLY_START], [test "x$hv_early_start" = xyes])
])
