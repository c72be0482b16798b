/*
 * nearest_word: which typing errors are recognised, and which words are too far apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/base/nearest.h"

static const char *const words[] = {"order",	 "saga",      "payment", "inventory",
				    "log.level", "port_base", "lag",	 "up"};
#define WORDS ((int)(sizeof(words) / sizeof(words[0])))

static void test_typing_errors(void **state)
{
	(void)state;
	assert_string_equal(nearest_word("ordr", words, WORDS), "order");      /* missing */
	assert_string_equal(nearest_word("ordeer", words, WORDS), "order");    /* doubled */
	assert_string_equal(nearest_word("odrer", words, WORDS), "order");     /* swapped */
	assert_string_equal(nearest_word("paymant", words, WORDS), "payment"); /* replaced */
	assert_string_equal(nearest_word("ORDER", words, WORDS), "order");     /* case */
	assert_string_equal(nearest_word("log.levle", words, WORDS), "log.level");
	assert_string_equal(nearest_word("portbase", words, WORDS), "port_base");
	assert_string_equal(nearest_word("lags", words, WORDS), "lag");
}

static void test_exact_wins(void **state)
{
	const char *const close[] = {"ordes", "order", "orders"};

	(void)state;
	assert_string_equal(nearest_word("order", close, 3), "order");
}

static void test_nothing_near(void **state)
{
	char longest[400];

	(void)state;
	assert_null(nearest_word("kubernetes", words, WORDS));
	assert_null(nearest_word("", words, WORDS));
	assert_null(nearest_word("xyz", words, WORDS));
	assert_null(nearest_word("order", words, 0));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(nearest_word(longest, words, WORDS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_typing_errors),
	    cmocka_unit_test(test_exact_wins),
	    cmocka_unit_test(test_nothing_near),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
