CREATE TABLE users (id serial PRIMARY KEY, login varchar DEFAULT '' NOT NULL, hashed_password varchar(40) DEFAULT '' NOT NULL, firstname varchar(30) DEFAULT '' NOT NULL, lastname varchar(255) DEFAULT '' NOT NULL, admin boolean DEFAULT false NOT NULL, status integer DEFAULT 1 NOT NULL, last_login_on timestamp, type varchar, salt varchar(64));
CREATE TABLE email_addresses (id serial PRIMARY KEY, user_id integer NOT NULL, address varchar NOT NULL, is_default boolean DEFAULT false NOT NULL);
CREATE TABLE groups_users (group_id integer NOT NULL, user_id integer NOT NULL);
INSERT INTO users (login, hashed_password, firstname, lastname, admin, status, type, salt) VALUES ('jsmith', 'bfbe06043353a677d0215b26a5800d128d5413bc', 'John', 'Smith', false, 1, 'User', '67eb4732624d5a7753dcea7ce0bb7d7d'), ('locked', 'bfbe06043353a677d0215b26a5800d128d5413bc', 'L', 'L', true, 3, 'User', '67eb4732624d5a7753dcea7ce0bb7d7d'), ('', '', '', 'Developers', false, 1, 'Group', NULL);
INSERT INTO email_addresses (user_id, address, is_default) VALUES (1, 'other@example.com', false), (1, 'jsmith@example.com', true);
INSERT INTO groups_users VALUES (3, 1);
