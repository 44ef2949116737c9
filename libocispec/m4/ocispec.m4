# OCISPEC_SWITCHES: --enable-asan, --enable-ubsan, --enable-coverage, --enable-fuzzing, --enable-werror
AC_DEFUN([OCISPEC_SWITCHES], [
	AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer])], [], [enable_asan=no])
	AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])], [], [enable_ubsan=no])
	AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [build for gcov])], [], [enable_coverage=no])
	AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [link the fuzz target with libFuzzer (needs CC=clang)])], [], [enable_fuzzing=no])
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [turn warnings into errors])], [], [enable_werror=no])

	OCISPEC_CFLAGS="-std=gnu11"
	AS_IF([test "x$enable_asan" = xyes], [OCISPEC_CFLAGS="$OCISPEC_CFLAGS -fsanitize=address -fno-omit-frame-pointer"])
	# without recovery: a finding must end the program, or a test could pass over it
	AS_IF([test "x$enable_ubsan" = xyes], [OCISPEC_CFLAGS="$OCISPEC_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"])
	AS_IF([test "x$enable_coverage" = xyes], [OCISPEC_CFLAGS="$OCISPEC_CFLAGS --coverage -O0"])
	AS_IF([test "x$enable_fuzzing" = xyes], [OCISPEC_CFLAGS="$OCISPEC_CFLAGS -fsanitize=fuzzer-no-link"])
	AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
	AC_SUBST([OCISPEC_CFLAGS])
])

# OCISPEC_ADD_CFLAG(FLAG): appends FLAG to OCISPEC_CFLAGS when the compiler takes it
AC_DEFUN([OCISPEC_ADD_CFLAG], [
	ocispec_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -Werror $1"
	AC_MSG_CHECKING([whether $CC takes $1])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([int main(void) { return 0; }])],
		[AC_MSG_RESULT([yes])
		OCISPEC_CFLAGS="$OCISPEC_CFLAGS $1"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$ocispec_saved_CFLAGS
])

# Warnings, and the hardening that the objects of a library can have (position-independent: they go into PIE programs).
AC_DEFUN([OCISPEC_WARNINGS], [
	m4_foreach_w([flag], [
		-Wall -Wextra
		-Wshadow -Wundef -Wvla
		-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition
		-Wformat=2 -Wpointer-arith -Wwrite-strings -Wredundant-decls
		-Wlogical-op -Wduplicated-cond -Wimplicit-fallthrough -Wdate-time
		-fPIC -fstack-protector-strong -fstack-clash-protection -fcf-protection
	], [OCISPEC_ADD_CFLAG(flag)])
	# _FORTIFY_SOURCE wants an optimised build and hides what the sanitizers look for
	AS_IF([test "x$enable_asan$enable_ubsan$enable_coverage" = xnonono],
		[OCISPEC_ADD_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3])])
	AS_IF([test "x$enable_werror" = xyes], [OCISPEC_CFLAGS="$OCISPEC_CFLAGS -Werror"])
])
