/*
 * Money without floating point.
 */
#include "core/base/money.h"

#include <stdio.h>
#include <string.h>

/* Decimals of the minor unit: ISO 4217 has 2 but for these. */
static int decimals_of(const char *currency)
{
	static const char *const none[] = {"JPY", "KRW", "VND", "CLP", "ISK"};

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(none[i], currency) == 0)
			return 0;
	return 2;
}

const char *money_format(int64_t minor, const char *currency, char text[MONEY_TEXT_SIZE])
{
	int decimals = decimals_of(currency);
	uint64_t value = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
	uint64_t major = decimals > 0 ? value / 100 : value;
	char digits[24], grouped[32];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)major);
	char *p = grouped;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*p++ = ' ';
		*p++ = digits[i];
	}
	*p = '\0';
	if (decimals > 0)
		snprintf(text, MONEY_TEXT_SIZE, "%s%s.%02d %s", minor < 0 ? "-" : "", grouped,
			 (int)(value % 100), currency);
	else
		snprintf(text, MONEY_TEXT_SIZE, "%s%s %s", minor < 0 ? "-" : "", grouped, currency);
	return text;
}

bool money_multiply(int64_t amount, int64_t quantity, int64_t *ret)
{
	int64_t product;

	if (__builtin_mul_overflow(amount, quantity, &product) || product < 0 || product > MONEY_MAX)
		return false;
	*ret = product;
	return true;
}

bool money_add(int64_t a, int64_t b, int64_t *ret)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum) || sum < 0 || sum > MONEY_MAX)
		return false;
	*ret = sum;
	return true;
}

bool money_currency_valid(const char *currency)
{
	return strlen(currency) == 3 && strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}
