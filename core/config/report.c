/*
 * The configuration in force as JSON.  No state; safe from every thread.
 */
#include "core/config/report.h"

#include <sodium.h>
#include <string.h>

#include "core/base/mem.h"

const char *config_fingerprint(const char *salt, const char *text, char ret[33])
{
	unsigned char hash[16], key[crypto_generichash_KEYBYTES] = {0};

	strncpy((char *)key, salt, sizeof(key) - 1);
	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), key, sizeof(key));
	return sodium_bin2hex(ret, 33, hash, sizeof(hash));
}

static json_t *value_of(enum config_key key, const char *salt)
{
	CLEANUP(buf_done) struct buf shown = {0};
	const char *text = config_text(key);
	char fingerprint[33];
	json_t *j;

	config_add_shown(&shown, key, text);
	j = json_pack("{s:s, s:s, s:s}", "key", config_row(key)->name, "value", buf_str(&shown), "origin",
		      config_origin_word(config_origin(key)));
	if (config_has_secret(key, text))
		json_object_set_new(j, "fingerprint",
				    json_string(config_fingerprint(salt, text, fingerprint)));
	return j;
}

json_t *config_report(const char *salt)
{
	json_t *values = json_array();

	for (int key = 0; key < CONFIG_COUNT; key++)
		json_array_append_new(values, value_of((enum config_key)key, salt));
	return json_pack("{s:s, s:o}", "file", config_file(), "values", values);
}
