/*
 * What an installation needs of the machine: PostgreSQL's programs, a Java runtime, Kafka's jar files, free
 * ports. Found, not assumed; each error says what mends it.  config_load and paths_init have been called.
 * Thread safe.
 */
#ifndef PIZZA_CONFIG_PROGRAMS_H
#define PIZZA_CONFIG_PROGRAMS_H

#include <limits.h>
#include <stdbool.h>

#include "core/base/error.h"

#define KAFKA_VERSION	 "4.2.0" /* as in daemons/pizzad/kafka/pom.xml */
#define POSTGRES_MINIMUM 14	 /* pipelines, and what the SQL uses */
#define JAVA_MINIMUM	 17	 /* what Kafka 4 needs */

/*
 * The folder with initdb and postgres: the version that made the cluster in paths_postgres() when there is
 * one, else the newest.  /usr/lib/postgresql, then `pg_config --bindir`, then PATH.  ERR_NOT_FOUND.
 */
int programs_postgres(char folder[PATH_MAX], int *ret_major, struct error *err) MUST_USE;
/* A java of at least JAVA_MINIMUM: JAVA_HOME, then PATH, then the newest in /usr/lib/jvm.  major 0: not
 * known. */
int programs_java(char path[PATH_MAX], int *ret_major, struct error *err) MUST_USE;
/* The folder with Kafka's jar files: kafka.libs, else beside the programs, where a package puts
 * them, else the per-user cache. */
int programs_kafka(char folder[PATH_MAX], struct error *err) MUST_USE;
/* ERR_CONFLICT names the program that listens on a TCP port of 127.0.0.1; what says what the port is for. */
int programs_port_free(int port, const char *what, struct error *err) MUST_USE;

#endif
