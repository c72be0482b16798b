/*
 * Money: integer amounts in the currency's minor unit (ISO 4217).  No floating point.  Thread safe.
 */
#ifndef PIZZA_BASE_MONEY_H
#define PIZZA_BASE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#define MONEY_TEXT_SIZE 48
#define MONEY_MAX	INT64_C(1000000000000) /* 10^12 minor units: far from overflow in any sum of an order */

/* "1 200.00 RUB"; returns text. */
const char *money_format(int64_t minor, const char *currency, char text[MONEY_TEXT_SIZE]);
/* a * b and a + b, refused when the result leaves 0..MONEY_MAX. */
bool money_multiply(int64_t amount, int64_t quantity, int64_t *ret);
bool money_add(int64_t a, int64_t b, int64_t *ret);
/* Three ASCII capital letters. */
bool money_currency_valid(const char *currency);

#endif
