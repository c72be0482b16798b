/*
 * The manual's light markup, and what becomes of it in mdoc(7): blocks, lists, references, escapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/doc.c"
#include "cli/doc_mdoc.c"

static bool known_part(struct doc *d, void *arg, const char *name)
{
	if (strcmp(name, arg) != 0)
		return false;
	doc_entry(d, "from", "a table");
	return true;
}

static void check(const char *prose, const char *wanted)
{
	CLEANUP(doc_done) struct doc d = {.form = &doc_mdoc, .part = known_part, .part_arg = "table"};

	doc_prose(&d, prose);
	doc_end(&d);
	assert_string_equal(buf_str(&d.out), wanted);
	assert_null(d.missing);
}

static void test_blocks(void **state)
{
	(void)state;
	check("One\ntwo.\n\nThree\n", ".Pp\nOne two.\n.Pp\nThree\n");
	check("# Exit status\n\nOne\n", ".Sh EXIT STATUS\nOne\n");
	check("## Part\nOne\n", ".Ss Part\nOne\n");
	check("    a line\n\n    .another\n\nText\n",
	      ".Bd -literal -offset indent\na line\n\n\\&.another\n.Ed\n.Pp\nText\n");
	check("", "");
}

static void test_lists(void **state)
{
	(void)state;
	check("- one :: first\n  of two\n- two :: second\n\nText\n",
	      ".Pp\n.Bl -tag -width 14n -compact\n.It Sy \"one\"\nfirst of two\n.It Sy "
	      "\"two\"\nsecond\n.El\n.Pp\nText\n");
	check("- a \"b\" :: c\n", ".Pp\n.Bl -tag -width 14n -compact\n.It Sy \"a \\(dqb\\(dq\"\nc\n.El\n");
	check("@table\n", ".Pp\n.Bl -tag -width 14n -compact\n.It Sy \"from\"\na table\n.El\n");
}

static void test_sentences_end_lines(void **state)
{
	(void)state;
	check("One. Two (or three). Four", ".Pp\nOne.\nTwo (or three).\nFour\n");
}

static void test_references(void **state)
{
	(void)state;
	check("See orderd(8), pizza.yaml(5).", ".Pp\nSee\n.Xr orderd 8 ,\n.Xr pizza.yaml 5 .\n");
	check("f(x) and `printf(3)` are none", ".Pp\nf(x) and \\fBprintf(3)\\fR are none\n");
}

static void test_escapes(void **state)
{
	(void)state;
	check(".dot and 'quote\\", ".Pp\n\\&.dot and 'quote\\e\n");
	check("`--all '~^` and well-known", ".Pp\n\\fB\\-\\-all \\(aq\\(ti\\(ha\\fR and well-known\n");
	check("a…b", ".Pp\na\\[u2026]b\n");
	check("    `a` \\ -b\n", ".Bd -literal -offset indent\n\\(gaa\\(ga \\e \\-b\n.Ed\n");
}

static void test_an_unknown_part_is_named(void **state)
{
	CLEANUP(doc_done) struct doc d = {.form = &doc_mdoc, .part = known_part, .part_arg = "table"};

	(void)state;
	doc_prose(&d, "One\n\n@tabel\n");
	assert_true(d.missing != NULL && strncmp(d.missing, "@tabel", 6) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_sentences_end_lines),
	    cmocka_unit_test(test_references),
	    cmocka_unit_test(test_escapes),
	    cmocka_unit_test(test_an_unknown_part_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
