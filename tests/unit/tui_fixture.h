/*
 * The dashboard for tests: a model with recorded data and a clock that stands, keys as text, and screens as
 * text that are compared with tests/unit/golden (UPDATE_GOLDEN=1 writes them anew).
 */
#ifndef PIZZA_TESTS_TUI_FIXTURE_H
#define PIZZA_TESTS_TUI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "tui/draw.h"
#include "tui/keys.h"
#include "tui/list.h"

#define NOW INT64_C(1795264205000000) /* 2026-11-21T12:30:05Z */

static const char *const recorded[FEED_COUNT] = {
    [FEED_STATUS] =
	"[{'name':'postgres','kind':'backing','state':'up','pid':11,'replicas':1,'restarts':0,'cpu_percent':"
	"6.5,"
	"'rss_bytes':222298112,'uptime_seconds':8040,'reason':'','instances':[]},"
	"{'name':'orderd','kind':'daemon','state':'up','pid':12,'replicas':2,'replicas_wanted':2,'restarts':"
	"0,"
	"'cpu_percent':3.0,'rss_bytes':14680064,'uptime_seconds':8040,'reason':'','instances':["
	"{'replica':1,'pid':12,'state':'up','port':5102,'restarts':0},"
	"{'replica':2,'pid':13,'state':'up','port':5103,'restarts':0}]},"
	"{'name':'paymentd','kind':'daemon','state':'degraded','pid':14,'replicas':1,'replicas_wanted':1,"
	"'restarts':1,'cpu_percent':0.0,'rss_bytes':11534336,'uptime_seconds':242,"
	"'reason':'provider breaker open, probe in 12 s','instances':[]},"
	"{'name':'dlqd','kind':'daemon','state':'down','pid':null,'replicas':0,'replicas_wanted':1,'restarts'"
	":3,"
	"'cpu_percent':null,'rss_bytes':0,'uptime_seconds':null,'reason':'ended with status "
	"1','instances':[]}]",
    [FEED_KPI] = "{'orders_per_minute':412.0,'paid_percent':99.2,'end_to_end_p50_ms':61.0,"
		 "'end_to_end_p99_ms':1310.0}",
    [FEED_STUCK] = "{'stuck':1}",
    [FEED_SAGAS] =
	"[{'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','state':'reserved','awaiting':'PaymentCompleted'"
	","
	"'daemon':'paymentd','started_at':'2026-11-21T12:29:30.100000Z',"
	"'updated_at':'2026-11-21T12:29:31.000000Z','steps':3,'customer_name':'Ivan Ivanov','reason':null},"
	"{'order_id':'01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa','state':'ready','awaiting':null,'daemon':null,"
	"'started_at':'2026-11-21T12:20:00.000000Z','updated_at':'2026-11-21T12:20:09.400000Z','steps':8,"
	"'customer_name':'Анна','reason':null},"
	"{'order_id':'01939b1c-5bbb-7c22-9a54-2f1e0c5d66bb','state':'cancelled','awaiting':null,'daemon':"
	"null,"
	"'started_at':'2026-11-21T12:10:00.000000Z','updated_at':'2026-11-21T12:10:02.000000Z','steps':4,"
	"'customer_name':'山田太郎','reason':'payment: card_declined'}]",
    [FEED_SAGA] =
	"{'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','state':'reserved','awaiting':'PaymentCompleted',"
	"'daemon':'paymentd','customer_name':'Ivan Ivanov','item_count':2,'total_amount':120000,"
	"'currency':'RUB','started_at':'2026-11-21T12:29:30.100000Z','updated_at':'2026-11-21T12:29:31."
	"000000Z',"
	"'correlation_id':'c0ffee','duration_ms':900.0,'due':true,'messages':'e-mail sent ×1','steps':["
	"{'seq':1,'event_type':'OrderCreated','daemon':'orderd','since_start_ms':0.0,'from_ms':0.0,"
	"'took_ms':0.0,'detail':''},"
	"{'seq':2,'event_type':'StockReserved','daemon':'inventoryd','since_start_ms':300.0,'from_ms':0.0,"
	"'took_ms':300.0,'detail':''},"
	"{'seq':3,'event_type':'OrderReserved','daemon':'orderd','since_start_ms':900.0,'from_ms':300.0,"
	"'took_ms':600.0,'detail':'attempt 1'}]}",
    [FEED_ORDERS] = "[{'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','status':'reserved',"
		    "'customer_name':'Ivan Ivanov','item_count':2,'total_amount':120000,'currency':'RUB',"
		    "'payment_method':'card','reason':null,'created_at':'2026-11-21T12:29:30.100000Z',"
		    "'updated_at':'2026-11-21T12:29:31.000000Z'}]",
    [FEED_LAG] =
	"[{'group':'paymentd','topic':'order-events','lag':812,'lag_seconds':34.1,'parked':0,"
	"'state':'ok','members':1},"
	"{'group':'notifyd','topic':'payment-events','lag':0,'lag_seconds':0.0,'parked':2,'state':'ok',"
	"'members':1},"
	"{'group':'notifyd','topic':'order-events','lag':null,'lag_seconds':null,'parked':2,"
	"'state':'unknown','members':1}]",
    [FEED_PARTITIONS] = "[{'group':'paymentd','topic':'order-events','partition':3,'committed':1030,"
			"'end':1842,'lag':812,'lag_seconds':34.1,'state':'ok','member':'paymentd-1'}]",
    [FEED_TOPICS] = "[{'topic':'order-events','partition_count':12,'messages':48210,'leaderless':0},"
		    "{'topic':'payment-events','partition_count':12,'messages':23011,'leaderless':0}]",
    [FEED_LETTER_GROUPS] =
	"[{'fingerprint':'a41c77e0','letters':1204,'open':1204,'orders':988,'consumer_group':'paymentd',"
	"'topic':'order-events','failed_step':'charge','error_code':'provider_5xx',"
	"'first_failed_at':'2026-11-21T12:02:11.000000Z','last_failed_at':'2026-11-21T12:29:40.000000Z',"
	"'error_reason':'status 503'}]",
    [FEED_LETTERS] =
	"[{'letter_id':'7d4ad12f-0000-5000-8000-000000000001','state':'unresolved','consumer_group':'"
	"paymentd',"
	"'failed_at':'2026-11-21T12:29:40.000000Z','event_type':'OrderReserved','failed_step':'charge',"
	"'error_code':'provider_5xx','error_reason':'status 503','replay_count':0,"
	"'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11'},"
	"{'letter_id':'7d4ad12f-0000-5000-8000-000000000002','state':'discarded','consumer_group':'paymentd',"
	"'failed_at':'2026-11-21T12:29:41.000000Z','event_type':'OrderReserved','failed_step':'charge',"
	"'error_code':'provider_5xx','error_reason':'status 503','replay_count':1,"
	"'order_id':'01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa'}]",
    [FEED_LETTER] =
	"{'letter_id':'7d4ad12f-0000-5000-8000-000000000001','state':'unresolved','consumer_group':'paymentd'"
	","
	"'failed_at':'2026-11-21T12:29:40.000000Z','event_type':'OrderReserved','failed_step':'charge',"
	"'error_code':'provider_5xx','error_reason':'status "
	"503','replay_count':0,'topic':'order-events','order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11',"
	"'value':{'event_type':'OrderReserved','event_data':{'amount':120000}},'headers':{'ce_id':'x'},"
	"'saga':{'state':'reserved','awaiting':'PaymentCompleted','daemon':'paymentd'}}",
    [FEED_OUTBOX] = "[{'database':'pizza_order','unpublished':3,'oldest_age_ms':4,'published_total':48210}]",
    [FEED_PAYMENTS] =
	"[{'payment_id':'01939b1c-7f3b-7c22-9a54-2f1e0c5d8b12','status':'succeeded','amount':120000,"
	"'currency':'RUB','created_at':'2026-11-21T12:29:31.000000Z','attempt':1,"
	"'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','provider_id':'pi_3Qabc','reason':null}]",
    [FEED_INVENTORY] =
	"[{'ingredient_id':'mozzarella','name':'Mozzarella','available':120,'on_hand':150,'reserved':30,"
	"'consumed':9000,'unit':'g','low_threshold':500,'low':true},"
	"{'ingredient_id':'dough','name':'Dough','available':300000000,'on_hand':300000000,'reserved':0,"
	"'consumed':0,'unit':'g','low_threshold':500,'low':false}]",
    [FEED_NOTIFICATIONS] =
	"[{'notification_id':'01939b1c-7f3c-7c22-9a54-2f1e0c5d8b13','kind':'order_created',"
	"'created_at':'2026-11-21T12:29:31.000000Z','order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11',"
	"'deliveries':[{'channel':'email','status':'sent','attempts':1},"
	"{'channel':'sms','status':'failed','attempts':3}]}]",
    [FEED_METRICS] =
	"[{'daemon':'orderd','instances':2,'answered':2,'requests':1000,'request_errors':2,'messages':500,"
	"'dead':0,'calls':0,'call_errors':0,'parked':0,'db_in_use':3,"
	"'buckets':[10,200,600,150,30,5,3,1,1,0,0,0,0,0,0,0],'call_buckets':[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
	","
	"'breakers':[]},"
	"{'daemon':'paymentd','instances':1,'answered':1,'requests':10,'request_errors':0,'messages':400,"
	"'dead':1,'calls':300,'call_errors':40,'parked':1,'db_in_use':2,"
	"'buckets':[0,10,80,20,0,0,0,0,0,0,0,0,0,0,0,0],'call_buckets':[0,0,200,50,10,0,0,0,40,0,0,0,0,0,0,0]"
	","
	"'breakers':[{'provider':'payment','state':'open'}]},"
	"{'daemon':'dlqd','instances':1,'answered':0,'requests':null,'request_errors':null,'messages':null,"
	"'dead':null,'calls':null,'call_errors':null,'parked':null,'db_in_use':null,'buckets':null,"
	"'call_buckets':null,'breakers':[]}]",
    [FEED_HOSTS] =
	"[{'resource':'cpu','used_percent':62.5,'saturation':'load 3.2, stalled 12 %','saturated':true,"
	"'errors':null,'detail':'2 cores, 4 running','latency_ms':null,'traffic':null,'why':null},"
	"{'resource':'memory','used_percent':41.0,'saturation':'swaps 0/s','saturated':false,"
	"'errors':0.0,'detail':'14G of 24G free, swap 0B','latency_ms':null,'traffic':null,'why':null},"
	"{'resource':'disk','used_percent':7.0,'saturation':'queue 0.1','saturated':false,"
	"'errors':3.0,'detail':'0 under way','latency_ms':0.4,'traffic':1204.2,'why':null},"
	"{'resource':'postgres','used_percent':20.0,'saturation':'2 active, 0 wait for "
	"locks','saturated':false,"
	"'errors':0.0,'detail':'40 of 200 connections','latency_ms':2.1,'traffic':276.6,'why':null},"
	"{'resource':'kafka','used_percent':null,'saturation':'','saturated':false,'errors':null,'detail':'',"
	"'latency_ms':null,'traffic':null,'why':'cannot be reached at 127.0.0.1:5092'}]",
    [FEED_HEATMAP] = "[{'minute':'2026-11-21T12:28:00.000000Z','daemon':'orderd','events':380,'failed':0,"
		     "'failed_percent':0.0,'p50_ms':12.0,'p99_ms':61.0},"
		     "{'minute':'2026-11-21T12:29:00.000000Z','daemon':'paymentd','events':120,'failed':12,"
		     "'failed_percent':10.0,'p50_ms':45.0,'p99_ms':1310.0},"
		     "{'minute':'2026-11-21T12:30:00.000000Z','daemon':'paymentd','events':40,'failed':20,"
		     "'failed_percent':50.0,'p50_ms':45.0,'p99_ms':5200.0},"
		     "{'minute':'2026-11-21T12:30:00.000000Z','daemon':'orderd','events':200,'failed':0,"
		     "'failed_percent':0.0,'p50_ms':12.0,'p99_ms':88.0}]",
    [FEED_JOBS] =
	"[{'job_id':42,'state':'running','total':1000,'done':651,'applied':640,'duplicate':11,'failed':0,"
	"'held':0,'created_at':'2026-11-21T12:29:52.000000Z','finished_at':null,'seconds':13.0,"
	"'actor':'eve@shop','reason':'provider back','waiting_for':null},"
	"{'job_id':41,'state':'finished','total':3,'done':3,'applied':2,'duplicate':0,'failed':1,"
	"'held':0,'created_at':'2026-11-21T11:00:00.000000Z','finished_at':'2026-11-21T11:00:01.000000Z',"
	"'seconds':1.0,'actor':'eve@shop','reason':null,'waiting_for':null}]",
    [FEED_STEPS] =
	"[{'event_type':'PaymentCompleted','daemon':'paymentd','events':380,'p50_ms':45.0,'p90_ms':120.0,"
	"'p99_ms':1310.0,'most_ms':2400.0},"
	"{'event_type':'StockReserved','daemon':'inventoryd','events':381,'p50_ms':8.0,'p90_ms':14.0,"
	"'p99_ms':40.0,'most_ms':61.0}]",
    [FEED_KITCHEN] =
	"{'time_scale':60,'baking':2,'waiting':1,'queued':14,'tickets_per_second':2.4,'items':["
	"{'device':'oven-1','kind':'oven','state':'in "
	"use','mode':'open','temperature_c':318.4,'setpoint_c':320,"
	"'heater':true,'ticket':651,'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','left_ms':2100,"
	"'loaded':2,'deck_count':4,'heartbeat_age_ms':80,'faults':[],'trouble':null,'decks':["
	"{'deck':1,'state':'baking','ticket':651,'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11',"
	"'pizza_id':'margherita','size':'large','left_ms':2100,'timer':'timer-1','core_c':81.0,'browning':0."
	"72},"
	"{'deck':2,'state':'baking','ticket':652,'order_id':'01939b1c-6aaa-7c22-9a54-2f1e0c5d77aa',"
	"'pizza_id':'pepperoni','size':'medium','left_ms':4000,'core_c':60.0,'browning':0.41},"
	"{'deck':3,'state':'empty'},{'deck':4,'state':'empty'}]},"
	"{'device':'oven-2','kind':'oven','state':'faulted','mode':'open','temperature_c':41.7,'setpoint_c':"
	"320,"
	"'heater':false,'ticket':null,'order_id':null,'left_ms':null,'loaded':0,'deck_count':4,"
	"'heartbeat_age_ms':90,'faults':['heater-dead'],'trouble':null,'decks':["
	"{'deck':1,'state':'empty'},{'deck':2,'state':'empty'},{'deck':3,'state':'empty'},"
	"{'deck':4,'state':'empty'}]},"
	"{'device':'pan-1','kind':'pan','state':'ready','mode':'draining','temperature_c':229.0,"
	"'setpoint_c':230,'heater':false,'ticket':null,'order_id':null,'left_ms':null,'loaded':0,"
	"'deck_count':1,'heartbeat_age_ms':95,'faults':[],'trouble':null,"
	"'decks':[{'deck':1,'state':'empty'}]}],'timers':["
	"{'device':'timer-1','kind':'timer','state':'in use','ticket':651,"
	"'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','left_ms':2100,'heartbeat_age_ms':17,'faults':[],"
	"'trouble':null},"
	"{'device':'timer-2','kind':'timer','state':'faulted','ticket':null,'order_id':null,'left_ms':null,"
	"'heartbeat_age_ms':17,'faults':['silent'],'trouble':null},"
	"{'device':'timer-3','kind':'timer','state':'ready','ticket':null,'order_id':null,'left_ms':null,"
	"'heartbeat_age_ms':12,'faults':[],'trouble':null}]}",
    [FEED_TICKETS] = "[{'ticket':651,'order_id':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','state':'baking',"
		     "'pizza_id':'margherita','size':'large','remakes':0,'device':'oven-1','deck':1,"
		     "'created_at':'2026-11-21T12:29:50.000000Z','reason':null,'ready_in_ms':2100},"
		     "{'ticket':653,'order_id':'01939b1c-5bbb-7c22-9a54-2f1e0c5d66bb','state':'queued',"
		     "'pizza_id':'margherita','size':'small','remakes':1,'device':null,'deck':null,"
		     "'created_at':'2026-11-21T12:30:00.000000Z','reason':null,'ready_in_ms':9300}]",
    [FEED_HW] =
	"[{'device':'oven-1','kind':'oven','unit':1,'state':'in "
	"use','temperature_c':318.4,'setpoint_c':320.0,"
	"'heartbeat_age_ms':0,'faults':[],'power':true,'heater':true,'door':false,'cutout':false,'deck_count'"
	":4,"
	"'loaded':2},"
	"{'device':'oven-2','kind':'oven','unit':2,'state':'faulted','temperature_c':41.7,'setpoint_c':320.0,"
	"'heartbeat_age_ms':0,'faults':['heater-dead'],'power':true,'heater':false,'door':false,'cutout':"
	"false,"
	"'deck_count':4,'loaded':0},"
	"{'device':'pan-1','kind':'pan','unit':5,'state':'ready','temperature_c':229.0,'setpoint_c':230.0,"
	"'heartbeat_age_ms':0,'faults':[],'power':true,'heater':false,'cutout':false,'deck_count':1,'loaded':"
	"0},"
	"{'device':'timer-1','kind':'timer','unit':7,'state':'in use','heartbeat_age_ms':0,'faults':[],"
	"'running':true,'expired':false,'left_seconds':12,'duration_seconds':60}]",
    [FEED_MESSAGES] =
	"[{'topic':'order-events','partition':3,'offset':1842,'timestamp':'2026-11-21T12:30:01.114000Z',"
	"'key':'01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11','headers':{'ce_type':'OrderCreated'},"
	"'type':'OrderCreated','of_key':'order-events 01939b1c-7f3a-7c22-9a54-2f1e0c5d8b11',"
	"'of_type':'order-events OrderCreated',"
	"'value':{'event_type':'OrderCreated','event_data':{'total_amount':120000}}},"
	"{'topic':'order-events','partition':4,'offset':7,'timestamp':'2026-11-21T12:30:02.000000Z',"
	"'key':'k','headers':{},'type':'','of_key':'order-events k','value':'not json \\u001b[31m'}]",
    [FEED_LOGS] = "[{'ts':'2026-11-21T12:30:01.114000Z','level':'info','service':'orderd','replica':1,"
		  "'msg':'ready'},"
		  "{'ts':'2026-11-21T12:30:02.000000Z','level':'warn','service':'paymentd','replica':1,"
		  "'msg':'the breaker is open','provider':'stripe'},"
		  "{'ts':'2026-11-21T12:30:03.000000Z','level':'error','service':'dlqd','replica':1,"
		  "'msg':'ended \\u001b[2J here'}]",
};

__attribute__((unused)) static json_t *parse(const char *text)
{
	char *copy = xstrdup(text);
	json_t *j;

	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	j = json_loads(copy, 0, NULL);
	assert_non_null(j);
	free(copy);
	return j;
}

/* Hands out what is recorded of each feed, whatever it is asked for. */
__attribute__((unused)) static void feed_all(struct model *m)
{
	for (int i = 0; i < FEED_COUNT; i++)
		model_data(m, (enum feed_id)i, m->panels[i].subject, parse(recorded[i]), false);
}

__attribute__((unused)) static void start(struct model *m, int width, int height)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	model_init(m, "shop", false, false);
	model_resize(m, width, height);
	model_clock(m, NOW);
	feed_all(m);
}

/* The same of what is wanted and not there. */
__attribute__((unused)) static void feed_missing(struct model *m)
{
	for (int i = 0; i < FEED_COUNT; i++)
		if ((model_wanted(m) & 1u << i) != 0 && m->panels[i].data == NULL)
			model_data(m, (enum feed_id)i, m->panels[i].subject, parse(recorded[i]), false);
}

/* \r enter, \033 escape, \t tab, \177 backspace, ^ up, _ down; what is opened gets its data. */
__attribute__((unused)) static void press(struct model *m, const char *keys)
{
	static const struct {
		char c;
		int key;
	} special[] = {{'\r', KEYCODE_ENTER}, {'\033', KEYCODE_ESCAPE},	   {'\t', KEYCODE_TAB},
		       {'^', KEYCODE_UP},     {'\177', KEYCODE_BACKSPACE}, {'_', KEYCODE_DOWN}};

	for (size_t n; *keys != '\0'; keys += n) {
		uint32_t c = 0;
		int key;

		n = text_decode(keys, strlen(keys), &c);
		key = (int)c;
		for (size_t i = 0; i < ARRAY_LEN(special); i++)
			key = special[i].c == *keys ? special[i].key : key;
		keys_press(m, key);
		feed_missing(m);
	}
}

__attribute__((unused)) static bool next_effect(struct model *m, enum effect_kind kind, struct effect *ret)
{
	return model_effect(m, ret) && ret->kind == kind;
}

__attribute__((unused)) static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The screen as text; owned. */
__attribute__((unused)) static char *screen_text(struct model *m, bool utf8)
{
	struct grid g = {.utf8 = utf8};
	struct buf text = {0};

	draw_model(m, &g);
	grid_dump(&g, &text);
	grid_done(&g);
	return buf_take(&text);
}

__attribute__((unused)) static void assert_shows(struct model *m, const char *part)
{
	char *text = screen_text(m, true);

	if (strstr(text, part) == NULL)
		print_error("\"%s\" is not in\n%s", part, text);
	assert_non_null(strstr(text, part));
	free(text);
}

__attribute__((unused)) static void assert_hides(struct model *m, const char *part)
{
	char *text = screen_text(m, true);

	if (strstr(text, part) != NULL)
		print_error("\"%s\" is in\n%s", part, text);
	assert_null(strstr(text, part));
	free(text);
}

static char *read_golden(const char *path)
{
	struct buf text = {0};
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return xstrdup("");
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&text, block, n);
	fclose(f);
	return buf_take(&text);
}

__attribute__((unused)) static void assert_golden(struct model *m, const char *name, bool utf8)
{
	char *text = screen_text(m, utf8), *wanted, path[256];
	FILE *f;

	snprintf(path, sizeof(path), "tests/unit/golden/tui-%s.txt", name);
	if (getenv("UPDATE_GOLDEN") != NULL) {
		f = fopen(path, "we");
		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	wanted = read_golden(path);
	if (strcmp(text, wanted) != 0)
		print_error("%s is not\n%s\nbut\n%s", path, wanted, text);
	assert_string_equal(text, wanted);
	free(text);
	free(wanted);
}

#endif
