/*
 * Parts of pages that are written from the tables of the hardware.
 */
#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "core/base/mem.h"
#include "core/contract/hardware.h"

/* "oven, pan": of a set of kinds; all: "". */
static void add_kinds(struct buf *out, unsigned kinds)
{
	const char *separator = "";

	if (kinds == HARDWARE_ALL)
		return;
	buf_adds(out, " (");
	for (int i = 0; i < HARDWARE_KIND_COUNT; i++)
		if ((kinds & 1u << i) != 0) {
			buf_addf(out, "%s%s", separator, hardware_kinds[i].word);
			separator = ", ";
		}
	buf_addc(out, ')');
}

static void register_entry(struct doc *d, const struct hardware_register *r)
{
	CLEANUP(buf_done) struct buf text = {0}, term = {0};

	buf_addf(&term, "%d", r->address);
	if (r->space == HARDWARE_DISCRETE && r->stride == 0)
		buf_addf(&term, "-%d", HARDWARE_DISCRETE_DONE - 1);
	else if (r->stride == 1)
		buf_adds(&term, " + deck");
	else if (r->stride > 0)
		buf_addf(&term, " + %d × deck", r->stride);
	buf_addf(&term, " %s", r->name);
	buf_adds(&text, r->text);
	if (r->unit[0] != '\0')
		buf_addf(&text, "; %s%s", r->scale == 10 ? "tenths of a " : "in ",
			 r->scale == 10		     ? "degree Celsius"
			 : strcmp(r->unit, "s") == 0 ? "seconds"
						     : r->unit);
	if (r->writable && r->max > 1)
		buf_addf(&text, "; %d to %d", r->min, r->max);
	add_kinds(&text, r->kinds);
	doc_entry(d, buf_str(&term), buf_str(&text));
}

void page_hardware_registers(struct doc *d)
{
	static const char *const titles[HARDWARE_SPACES] = {
	    "Coils (functions 1, 5, 15)", "Discrete inputs (function 2)", "Input registers (function 4)",
	    "Holding registers (functions 3, 6, 16, 22, 23)"};

	for (int space = 0; space < HARDWARE_SPACES; space++) {
		doc_subsection(d, titles[space]);
		for (int i = 0; i < hardware_register_count; i++)
			if (hardware_registers[i].space == (enum hardware_space)space)
				register_entry(d, &hardware_registers[i]);
	}
}

static void bit_entry(struct doc *d, int bit, const char *name, unsigned kinds, const char *does)
{
	CLEANUP(buf_done) struct buf text = {0};
	char term[48];

	snprintf(term, sizeof(term), "%d %s", bit, name);
	buf_adds(&text, does);
	add_kinds(&text, kinds);
	doc_entry(d, term, buf_str(&text));
}

void page_hardware_status(struct doc *d)
{
	for (int i = 0; i < HARDWARE_STATUS_COUNT; i++)
		bit_entry(d, i, hardware_statuses[i].name, hardware_statuses[i].kinds,
			  hardware_statuses[i].text);
}

void page_hardware_faults(struct doc *d)
{
	for (int i = 0; i < HARDWARE_FAULT_COUNT; i++)
		bit_entry(d, i, hardware_faults[i].name, hardware_faults[i].kinds, hardware_faults[i].text);
}

void page_hardware_products(struct doc *d)
{
	for (int i = HARDWARE_PRODUCT_NONE + 1; i < HARDWARE_PRODUCT_COUNT; i++) {
		const struct hardware_product_info *p = &hardware_products[i];
		char term[32], text[160];

		snprintf(term, sizeof(term), "%d %s", i, p->word);
		snprintf(text, sizeof(text),
			 "%d g of dough and topping; done after %d s in an oven, %d s in a pan", p->mass_g,
			 p->seconds[HARDWARE_OVEN], p->seconds[HARDWARE_PAN]);
		doc_entry(d, term, text);
	}
}
