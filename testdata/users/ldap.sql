CREATE TABLE mailbox (username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL, name varchar(255) NOT NULL, active tinyint(1) NOT NULL default 1) DEFAULT CHARACTER SET latin1;
INSERT INTO mailbox VALUES ('info@example.com', '{SSHA}eFGoK1DTB83U0ybud98ECr1NY5WxltLa', 'Info', 1), ('off@example.com', '{SSHA}eFGoK1DTB83U0ybud98ECr1NY5WxltLa', 'Off', 0);
