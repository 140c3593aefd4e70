/* SPDX-License-Identifier: MIT */
/*
 * What a host may have its say in: hooks, the table of signals, and trees that
 * come from elsewhere than a file.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "child/stage.h"
#include "lib/harness.h"
#include "unit/super_rig.h"

#define WORKER "{ \"command\": \"/bin/true\", \"ready\": \"notify\" }"
#define TWO    "\"children\": { \"a\": " WORKER ", \"b\": " WORKER " }"

static void
open_two(struct super_rig *rig, const char *more)
{
	char members[2048];

	snprintf(members, sizeof(members), "%s%s", TWO, more);
	super_rig_open(rig, members);
	super_rig_up(rig, "a");
	if (super_rig_unit(rig, "b")->state == RV_STATE_STARTING) {
		super_rig_up(rig, "b");
	}
	super_rig_forget(rig);
}

/* -------- hooks -------- */

RV_TEST(a_hook_sees_what_is_proposed_and_decides)
{
	struct super_rig rig;

	open_two(&rig, "");
	super_rig_exit(&rig, "a", 3);
	CU_ASSERT(super_rig_said(&rig, "decide a 3"));
	CU_ASSERT_EQUAL(rig.proposal, RV_PROPOSAL_RESTART);
	CU_ASSERT(super_rig_said(&rig, "worker.exited a \"restart\""));
	super_rig_up(&rig, "a");
	rig.verdict = RV_VERDICT_REST;
	super_rig_exit(&rig, "a", 3);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_EXITED));
	rig.verdict = RV_VERDICT_ESCALATE;
	super_rig_exit(&rig, "b", 3);
	CU_ASSERT(super_rig_said(&rig, "supervisor.gave_up / verdict"));
	super_rig_close(&rig);
}

RV_TEST(a_hook_may_veto_a_launch_that_failed)
{
	struct super_rig rig;

	super_rig_open(&rig, TWO);
	rig.verdict = RV_VERDICT_REST;
	rv_super_start_ops.launch_failed(
	    rig.super, super_rig_life(&rig, "a"), 6, 12);
	CU_ASSERT(super_rig_said(&rig, "decide a 0"));
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_EXITED));
	super_rig_close(&rig);
}

static void
stop_a(struct super_rig *rig)
{
	rv_super_do(rig->super, super_rig_unit(rig, "a"), RV_VERB_STOP);
}

RV_TEST(a_hook_may_ask_for_things)
{
	struct super_rig rig;

	open_two(&rig, "");
	rig.decides = stop_a;
	super_rig_exit(&rig, "a", 3);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_STOPPED));
	CU_ASSERT_EQUAL(super_rig_count(&rig, "launch a"), 0);
	super_rig_close(&rig);
}

RV_TEST(nobody_is_asked_about_an_end_that_was_asked_for)
{
	struct super_rig rig;

	open_two(&rig, "");
	stop_a(&rig);
	super_rig_signaled(&rig, "a", SIGTERM);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "decide"), 0);
	super_rig_close(&rig);
}

RV_TEST(the_group_is_down_before_any_of_it_is_launched)
{
	struct super_rig rig;
	const char *down;

	super_rig_open(&rig,
	    "\"strategy\": \"one_for_all\", \"children\": { \"a\": " WORKER
	    ", \"b\": " WORKER " }");
	super_rig_up(&rig, "a");
	super_rig_up(&rig, "b");
	super_rig_forget(&rig);
	super_rig_exit(&rig, "a", 1);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "group_down"), 0);
	super_rig_signaled(&rig, "b", SIGTERM);
	down = strstr(rig.asked, "group_down /");
	CU_ASSERT_PTR_NOT_NULL_FATAL(down);
	CU_ASSERT(down < strstr(rig.asked, "launch a"));
	CU_ASSERT_PTR_NULL(strstr(down + 1, "group_down"));
	super_rig_close(&rig);
}

/* -------- launches that are not wanted any more -------- */

RV_TEST(a_launch_in_flight_is_taken_back)
{
	struct super_rig rig;

	super_rig_open(&rig, TWO);
	super_rig_forget(&rig);
	stop_a(&rig);
	super_rig_turn(&rig);
	CU_ASSERT_EQUAL(super_rig_count(&rig, "cancel a"), 1);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_STOPPING));
	rv_super_start_ops.launch_failed(
	    rig.super, super_rig_life(&rig, "a"), RV_STAGE_CANCELED, ECANCELED);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_STOPPED));
	CU_ASSERT(super_rig_said(&rig, "worker.exited a \"asked\""));
	CU_ASSERT_EQUAL(super_rig_count(&rig, "decide"), 0);
	super_rig_close(&rig);
}

/* There may be no launcher for long: what waits for one need not. */
RV_TEST(a_launch_that_was_not_sent_yet_ends_by_itself)
{
	struct super_rig rig;

	open_two(&rig, "");
	rv_super_start_ops.lost(rig.super, -1);
	super_rig_exit(&rig, "a", 1);
	super_rig_exit(&rig, "b", 1);
	super_rig_forget(&rig);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_STARTING));
	stop_a(&rig);
	super_rig_turn(&rig);
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_STOPPED));
	CU_ASSERT(super_rig_said(&rig, "worker.exited a \"asked\""));
	CU_ASSERT_PTR_NULL(strstr(rig.asked, "cancel"));
	CU_ASSERT(super_rig_is(&rig, "b", RV_STATE_STARTING));
	rv_super_start_ops.back(rig.super);
	super_rig_turn(&rig);
	CU_ASSERT_PTR_NULL(strstr(rig.asked, "launch a"));
	CU_ASSERT_PTR_NOT_NULL(strstr(rig.asked, "launch b"));
	super_rig_close(&rig);
}

/* -------- signals -------- */

static void
receive(struct super_rig *rig, int signo)
{
	struct reeve_error err;

	CU_ASSERT_EQUAL(
	    rv_super_signal_received(rig->super, signo, NULL, NULL, &err),
	    REEVE_OK);
	super_rig_turn(rig);
}

RV_TEST(signals_do_what_the_table_says)
{
	struct super_rig rig;

	open_two(&rig,
	    ", \"signals\": { \"USR1\": { \"forward\": [\"a*\"], \"as\": "
	    "\"USR2\" }, \"WINCH\": \"forward\", \"USR2\": \"ignore\" }");
	receive(&rig, SIGUSR1);
	CU_ASSERT(super_rig_said(&rig, "signal a 12"));
	CU_ASSERT_EQUAL(super_rig_count(&rig, "signal b"), 0);
	CU_ASSERT(super_rig_said(&rig,
	    "signal.received / \"action\":\"forward\" \"count\":1 "
	    "\"signal\":10"));
	super_rig_forget(&rig);
	receive(&rig, SIGWINCH);
	CU_ASSERT(super_rig_said(&rig, "signal a 28"));
	CU_ASSERT(super_rig_said(&rig, "signal b 28"));
	super_rig_forget(&rig);
	receive(&rig, SIGUSR2);
	CU_ASSERT(
	    super_rig_said(&rig, "signal.received \"action\":\"ignore\""));
	receive(&rig, SIGALRM);
	receive(&rig, 0);
	receive(&rig, 4711);
	CU_ASSERT_EQUAL(rig.asked[0], '\0');
	super_rig_close(&rig);
}

RV_TEST(each_signal_to_shut_down_is_more_urgent)
{
	struct super_rig rig;

	open_two(&rig, "");
	receive(&rig, SIGQUIT);
	CU_ASSERT(super_rig_said(&rig, "signal a 15"));
	receive(&rig, SIGTERM);
	CU_ASSERT(super_rig_said(&rig, "kill a"));
	CU_ASSERT_EQUAL(rv_super_urgency(rig.super), 2);
	super_rig_signaled(&rig, "a", SIGKILL);
	super_rig_signaled(&rig, "b", SIGKILL);
	CU_ASSERT(super_rig_said(&rig, "runtime.stopped QUIT"));
	receive(&rig, SIGTERM);
	super_rig_close(&rig);
}

/* -------- trees from elsewhere -------- */

RV_TEST(a_conf_that_a_host_made_is_applied)
{
	struct super_rig rig;
	struct rv_reload_plan plan;
	struct reeve_error err;
	struct rv_conf *fresh;

	open_two(&rig, "");
	fresh = super_rig_conf(
	    &rig, "\"children\": { \"a\": " WORKER ", \"c\": " WORKER " }");
	CU_ASSERT_EQUAL(
	    rv_super_apply(rig.super, fresh, &plan, &err), REEVE_OK);
	rv_conf_unref(fresh);
	CU_ASSERT(plan.n_added == 1 && plan.n_removed == 1);
	rv_reload_plan_finish(&plan);
	super_rig_turn(&rig);
	CU_ASSERT(super_rig_said(&rig, "launch c"));
	CU_ASSERT(super_rig_said(&rig, "signal b 15"));
	CU_ASSERT(super_rig_is(&rig, "a", RV_STATE_RUNNING));
	super_rig_close(&rig);
}

RV_TEST(what_only_a_new_start_can_change_is_refused)
{
	struct super_rig rig;
	struct rv_reload_plan plan;
	struct reeve_error err;
	struct rv_conf *fresh;

	open_two(&rig, "");
	fresh =
	    super_rig_conf(&rig, "\"journal\": { \"ring\": \"8MiB\" }, " TWO);
	CU_ASSERT_EQUAL(
	    rv_super_apply(rig.super, fresh, &plan, &err), REEVE_ECONFIG);
	rv_conf_unref(fresh);
	rv_reload_plan_finish(&plan);
	CU_ASSERT(super_rig_said(&rig, "config.rejected / journal"));
	super_rig_close(&rig);
}

RV_TEST(a_reload_asks_the_source_that_was_set)
{
	struct super_rig rig;
	struct rv_conf_source source = { .name = "t" };
	struct rv_declared *declared = NULL;
	struct rv_reload_plan plan;
	struct reeve_error err;
	char state[256];

	open_two(&rig, "");
	snprintf(state, sizeof(state), "%s/state", rv_test_dir());
	CU_ASSERT_EQUAL_FATAL(rv_declared_create(&declared, &err), REEVE_OK);
	CU_ASSERT_EQUAL(
	    rv_declared_add(declared, "d", false, WORKER, &err), REEVE_OK);
	source.state_dir = state;
	source.declared = declared;
	rv_super_set_source(rig.super, &source);
	CU_ASSERT_EQUAL(
	    rv_super_reload(rig.super, false, &plan, NULL, NULL, &err),
	    REEVE_OK);
	CU_ASSERT(plan.n_added == 1 && plan.n_removed == 2);
	rv_reload_plan_finish(&plan);
	super_rig_turn(&rig);
	CU_ASSERT(super_rig_said(&rig, "launch d"));
	CU_ASSERT_PTR_NULL(rv_super_conf(rig.super)->file);
	CU_ASSERT_EQUAL(
	    rv_super_reload(rig.super, false, &plan, NULL, NULL, &err),
	    REEVE_OK);
	rv_reload_plan_finish(&plan);
	super_rig_close(&rig);
	rv_declared_destroy(declared);
}

static void
say(struct super_rig *rig, const char *text)
{
	struct rv_notify notify = {
		.flags = RV_NOTIFY_STATUS,
		.status = text,
	};

	rv_super_start_ops.notified(
	    rig->super, super_rig_life(rig, "a"), &notify);
}

RV_TEST(a_flood_of_status_texts_is_counted_and_the_last_one_kept)
{
	struct super_rig rig;
	struct rv_unit_info info;
	char text[16];

	super_rig_open(&rig, "\"children\": { \"a\": { \"command\": "
			     "\"/bin/true\", \"ready\": \"notify\" } }");
	super_rig_up(&rig, "a");
	super_rig_forget(&rig);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "step %u", i);
		say(&rig, text);
		say(&rig, text); /* says nothing new */
	}
	CU_ASSERT_EQUAL(super_rig_count(&rig, "worker.status a"), 16);
	CU_ASSERT(super_rig_said(&rig, "\"text\":\"step 15\""));
	/* Whoever looks sees the newest. */
	rv_super_info(rig.super, super_rig_unit(&rig, "a"), &info);
	CU_ASSERT_STRING_EQUAL(info.status_text, "step 39");
	super_rig_exit(&rig, "a", 1);
	CU_ASSERT(super_rig_said(&rig, "\"text\":\"step 39\""));
	CU_ASSERT(super_rig_said(
	    &rig, "clerk.dropped a \"count\":23,\"kind\":\"worker.status\""));
	super_rig_close(&rig);
}

RV_SUITE(super_host,
    RV_CASE(a_flood_of_status_texts_is_counted_and_the_last_one_kept),
    RV_CASE(a_hook_sees_what_is_proposed_and_decides),
    RV_CASE(a_hook_may_veto_a_launch_that_failed),
    RV_CASE(a_hook_may_ask_for_things),
    RV_CASE(nobody_is_asked_about_an_end_that_was_asked_for),
    RV_CASE(the_group_is_down_before_any_of_it_is_launched),
    RV_CASE(a_launch_in_flight_is_taken_back),
    RV_CASE(a_launch_that_was_not_sent_yet_ends_by_itself),
    RV_CASE(signals_do_what_the_table_says),
    RV_CASE(each_signal_to_shut_down_is_more_urgent),
    RV_CASE(a_conf_that_a_host_made_is_applied),
    RV_CASE(what_only_a_new_start_can_change_is_refused),
    RV_CASE(a_reload_asks_the_source_that_was_set))
