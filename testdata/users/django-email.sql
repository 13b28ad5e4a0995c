CREATE TABLE "accounts_person" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "is_superuser" bool NOT NULL, "email" varchar(254) NOT NULL UNIQUE, "full_name" varchar(200) NOT NULL, "is_active" bool NOT NULL, "is_staff" bool NOT NULL);
CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(150) NOT NULL UNIQUE);
CREATE TABLE "accounts_person_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "person_id" bigint NOT NULL REFERENCES "accounts_person" ("id") DEFERRABLE INITIALLY DEFERRED, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED);
INSERT INTO accounts_person (password, is_superuser, email, full_name, is_active, is_staff) VALUES ('pbkdf2_sha256$1000$salt4custom0$zvI+yr8pC54BJ/sDDraYyij2eHXew3Pg/FEQnaHeNbY=', 0, 'eve@example.com', 'Eve Example', 1, 1);
INSERT INTO auth_group (name) VALUES ('editors');
INSERT INTO accounts_person_groups (person_id, group_id) VALUES (1, 1);
